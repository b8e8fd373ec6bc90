import { describe, expect, it } from "vitest";
import { buildVersion } from "../../../image/deb/version.ts";
import type { Commit } from "../../../image/deb/version.ts";

const commit: Commit = { hash: "0123456789", time: 1_795_228_667, tags: [], modified: false };

describe("the version of a build", () => {
  it("is the release where the commit has its tag", () => {
    expect(buildVersion("0.1.0", { ...commit, tags: ["latest", "v0.1.0"] })).toBe("0.1.0");
  });

  it.each([
    ["no tag", commit, "0.1.0+git20261121T023747.0123456789"],
    ["another release's tag", { ...commit, tags: ["v0.0.9"] }, "0.1.0+git20261121T023747.0123456789"],
    [
      "changes besides",
      { ...commit, tags: ["v0.1.0"], modified: true },
      "0.1.0+git20261121T023747.0123456789.modified",
    ],
    ["nothing known", undefined, "0.1.0+unknown"],
  ])("names the commit otherwise: %s", (_, commit, version) => {
    expect(buildVersion("0.1.0", commit)).toBe(version);
  });
});
