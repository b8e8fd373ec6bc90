import { expect, it } from "vitest";
import { openUplink, whyNoUplink } from "../../src/simulator/uplink.ts";
import { key, openPractice } from "../helpers/doctor-run.ts";
import { startNginxRtmp } from "../helpers/nginx.ts";

const noUplink = await whyNoUplink(new AbortController().signal);
if (noUplink !== undefined) console.warn(`The doctor measures no uplink here. ${noUplink}`);

it.skipIf(noUplink !== undefined)(
  "spotlive doctor measures an uplink by publishing to the output that is named, and to no other",
  async () => {
    await using practice = await openPractice();
    const { examine, invoke } = practice;
    const life = new AbortController();
    await using uplink = await openUplink({}, life.signal);
    await uplink.setSysctl("net.ipv4.tcp_notsent_lowat", 32_768);
    await using nginx = await startNginxRtmp({ enter: uplink.far, listen: uplink.farAddress });
    const examination = { output: { url: nginx.url }, enter: uplink.near };
    const refused = await invoke({ ...examination, args: ["--bandwidth", "other"] });
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("the name of an output (main)"),
    });
    const wide = await examine({ ...examination, args: ["--bandwidth", "main"] });
    expect(wide.finding("bandwidth:main")).toMatchObject({ verdict: "ok" });
    await uplink.setRate(2_000_000);
    const narrow = await examine({ ...examination, args: ["--bandwidth", "main"] });
    const { verdict, evidence } = narrow.finding("bandwidth:main");
    expect(verdict).toBe("warning");
    const carried = Number(/^Of 6\.00 Mbit\/s, ([\d.]+) Mbit\/s arrived/.exec(evidence)?.[1]);
    expect(carried).toBeGreaterThan(1.5);
    expect(carried).toBeLessThan(2.1);
    expect(wide.output + narrow.output).not.toContain(key);
    life.abort();
  },
);
