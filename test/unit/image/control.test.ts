import { describe, expect, it } from "vitest";
import { renderConffiles, renderControl } from "../../../image/deb/control.ts";

describe("the control file", () => {
  const text = renderControl({ version: "1.2.3", architecture: "arm64", kibibytes: 130_000 });

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
    expect(fields.get("Suggests")).toContain("gstreamer1.0-plugins-base");
    expect(text.endsWith("\n")).toBe(true);
    expect(text).not.toMatch(/\n\n/);
  });

  it("refuses a value that would begin another field", () => {
    expect(() => renderControl({ version: "1\nDepends: x", architecture: "amd64", kibibytes: 1 })).toThrow(
      "Version",
    );
  });

  it("names the files of the owner by their absolute paths, and no others", () => {
    expect(renderConffiles(["usr/bin/a", "etc/b/c.yaml", "usr/etc/d"])).toBe("/etc/b/c.yaml\n");
  });
});
