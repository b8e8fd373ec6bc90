import { describe, expect, it } from "vitest";
import { loadProfiles } from "../../../../src/boards/catalogue.ts";
import { parseConfig } from "../../../../src/config/load.ts";
import { parseVersion, programChecks } from "../../../../src/verbs/doctor/program-checks.ts";
import { fakeContext, findingOf } from "../../../helpers/doctor.ts";
import type { FakePrograms } from "../../../helpers/doctor.ts";

const ffmpeg: Readonly<Record<string, string>> = {
  "ffmpeg -version":
    "ffmpeg version 5.1.6-0+deb12u1 Copyright (c) 2000-2024 the FFmpeg developers\nbuilt with gcc\n",
  "ffmpeg -hide_banner -encoders": " V....D libx264    H.264\n A....D aac    AAC\n",
  "ffmpeg -hide_banner -decoders": " VFS..D h264   H.264\n A....D opus   Opus\n",
  "ffmpeg -hide_banner -filters":
    " ..C scale V->V x\n ... pad V->V x\n ... select V->N x\n ... format V->V x\n ... aresample A->A x\n",
  "ffmpeg -hide_banner -muxers": "  E flv    FLV\n",
  "ffmpeg -hide_banner -demuxers": " D  flv,live_flv  FLV\n D  ogg Ogg\n",
};
const spot = `source: spot
spot: { username: u, password: p, tls: { insecure: true }, cameraTls: { insecure: true } }
`;

async function ffmpegFinding(programs: FakePrograms, yaml = spot) {
  const config = await parseConfig(yaml, "test.yaml", {});
  return findingOf(programChecks(fakeContext({ isHere: true, programs, config }), undefined), "ffmpeg");
}

describe("ffmpeg", () => {
  it("is well with all that spotlive uses", async () => {
    expect(await ffmpegFinding(ffmpeg)).toMatchObject({
      verdict: "ok",
      evidence: "ffmpeg version 5.1.6-0+deb12u1, with all that spotlive uses.",
    });
  });

  it.each([
    ["is missing", {}, "ffmpeg is missing."],
    [
      "is too old",
      { ...ffmpeg, "ffmpeg -version": "ffmpeg version 4.2.7-0ubuntu0.1 Copyright" },
      "ffmpeg version 4.2.7-0ubuntu0.1, which is too old.",
    ],
    [
      "lacks an encoder",
      { ...ffmpeg, "ffmpeg -hide_banner -encoders": " A....D aac    AAC\n" },
      "ffmpeg version 5.1.6-0+deb12u1, without libx264 (encoders).",
    ],
    [
      "hangs",
      { ...ffmpeg, "ffmpeg -version": { kind: "hung", text: "ffmpeg did not end within 4 s" } as const },
      "ffmpeg did not end within 4 s",
    ],
  ])("is wrong where it %s", async (_, programs, evidence) => {
    expect(await ffmpegFinding(programs)).toMatchObject({ verdict: "wrong", evidence });
  });

  it("is only missed where nothing needs it", async () => {
    const finding = await ffmpegFinding({}, `${spot}transcode: { allow: false }\n`);
    expect(finding.verdict).toBe("warning");
  });

  it.each([
    ["ffmpeg version 5.1.6-0+deb12u1", [5, 1]],
    ["ffmpeg version n6.0 Copyright", [6, 0]],
    ["ffmpeg version N-109873-gabc", undefined],
    ["", undefined],
  ])("tells its version: %s", (line, version) => {
    expect(parseVersion(line)).toEqual(version);
  });
});

describe("GStreamer", () => {
  const gstreamer = { "gst-inspect-1.0 --version": "gst-inspect-1.0 version 1.20.3\nGStreamer 1.20.3\n" };

  async function finding(programs: FakePrograms, name: string) {
    const profile = (await loadProfiles()).find(({ profile }) => profile.name === name)?.profile;
    return findingOf(programChecks(fakeContext({ isHere: true, programs }), profile), "gstreamer");
  }

  it("is no matter where the board has no chain through it", async () => {
    expect((await finding({}, "software")).verdict).toBe("ok");
  });

  it("is missed where the board has one, with the way to get it", async () => {
    expect(await finding({}, "jetson-nano")).toMatchObject({
      verdict: "warning",
      evidence: expect.stringContaining("GStreamer's tools are not installed"),
      remedy: expect.stringMatching(/^`sh \.ci\/setup gstreamer` builds it\. Install GStreamer's tools/),
    });
  });

  it("names the elements that are missing", async () => {
    const { verdict, evidence } = await finding(gstreamer, "jetson-nano");
    expect(verdict).toBe("warning");
    expect(evidence).toContain("GStreamer 1.20.3");
    expect(evidence).toMatch(/Elements that are missing: .*nvv4l2h264enc/);
  });
});
