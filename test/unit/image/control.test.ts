import { describe, expect, it } from "vitest";
import { renderConffiles, renderControl } from "../../../image/deb/control.ts";
import type { ControlFacts } from "../../../image/deb/control.ts";

describe("the control file", () => {
  const facts: ControlFacts = {
    ...{ version: "1.2.3", architecture: "arm64", kibibytes: 130_000 },
    ...{ ownLibc: false, gstreamer: false },
  };
  const text = renderControl(facts);

  it("says what dpkg must know, one field a line", () => {
    const fields = new Map(
      text.split(/\n(?! |$)/).map((field) => {
        const [name = "", ...value] = field.split(": ");
        return [name, value.join(": ")];
      }),
    );
    expect(fields.get("Package")).toBe("spotlive");
    expect(fields.get("Version")).toBe("1.2.3");
    expect(fields.get("Architecture")).toBe("arm64");
    expect(fields.get("Installed-Size")).toBe("130000");
    expect(fields.get("Depends")?.split(", ")).toContain("ffmpeg");
    expect(text.endsWith("\n")).toBe(true);
    expect(text).not.toMatch(/\n\n/);
  });

  it("asks for no C library where Node.js brings one", () => {
    expect(text).toMatch(/^Depends: .*libc6 /m);
    expect(renderControl({ ...facts, ownLibc: true })).not.toMatch(/^Depends: .*libc6/m);
  });

  it("asks for GStreamer where its add-on comes along", () => {
    expect(text).not.toContain("gstreamer1.0");
    expect(renderControl({ ...facts, gstreamer: true })).toMatch(/^Depends: .*gstreamer1\.0-plugins-bad/m);
  });

  it("refuses a value that would begin another field", () => {
    expect(() => renderControl({ ...facts, version: "1\nDepends: x" })).toThrow("Version");
  });

  it("names the files of the owner by their absolute paths, and no others", () => {
    expect(renderConffiles(["usr/bin/a", "etc/b/c.yaml", "usr/etc/d"])).toBe("/etc/b/c.yaml\n");
  });
});
