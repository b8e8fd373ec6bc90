import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCpuinfo, parseOsRelease, parseStrings, readBoardFacts } from "../../../src/boards/facts.ts";
import { openRoot } from "../../../src/boards/root.ts";
import { parseSsim } from "../../../src/boards/test-clip.ts";
import { parseFormats, roleByFormats, roleByName } from "../../../src/boards/v4l2.ts";
import { boardFixture } from "../../helpers/boards.ts";

describe("what a board says of itself", () => {
  it("is read from its device tree, its processor and its system", async () => {
    expect(await readBoardFacts(openRoot(boardFixture("raspberry-pi-4")))).toEqual({
      model: "Raspberry Pi 4 Model B Rev 1.4",
      compatible: ["raspberrypi,4-model-b", "brcm,bcm2711"],
      dmi: {},
      cpuVendors: [],
      cores: 4,
      system: "Debian GNU/Linux 12 (bookworm)",
      kernel: "6.6.31+rpt-rpi-v8",
    });
    const { dmi, cpuVendors, model } = await readBoardFacts(openRoot(boardFixture("x86-vaapi")));
    expect(dmi).toMatchObject({ sys_vendor: "Intel(R) Client Systems", product_name: "NUC12WSKi3" });
    expect([cpuVendors, model]).toEqual([["GenuineIntel"], undefined]);
  });

  it("is nothing where there is nothing", async () => {
    const facts = await readBoardFacts(openRoot("/nowhere"));
    expect(facts).toEqual({ compatible: [], dmi: {}, cpuVendors: [], cores: 1 });
  });

  it("is read without a fault, whatever it is", () => {
    const line = fc.constantFrom(
      "processor\t: 0",
      "vendor_id : X",
      'PRETTY_NAME="a',
      "\tType: Video Output",
      "[0]: 'H264'",
      "n:1 All:1",
      ":",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(fc.oneof(line, fc.string())).map((lines) => lines.join("\n")),
    );
    fc.assert(
      fc.property(text, (content) => {
        parseStrings(content);
        expect(parseCpuinfo(content).cores).toBeGreaterThan(0);
        parseOsRelease(content);
        roleByFormats(parseFormats(content));
        roleByName(content);
        for (const value of parseSsim(content)) expect(value).not.toBeNaN();
      }),
    );
  });
});
