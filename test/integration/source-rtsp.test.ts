import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { createRtspSource } from "../../src/camera/rtsp.ts";
import type { RtspSourceOptions } from "../../src/camera/rtsp.ts";
import { Secret } from "../../src/domain/secret.ts";
import { nalType, typeOf } from "../../src/media/h264.ts";
import { collect, recordEvents } from "../helpers/collect.ts";
import { ownChildren } from "../helpers/processes.ts";
import { startRtspCamera } from "../helpers/rtsp-camera.ts";

const login = { user: "robo", password: "canary/p@ss:wörd'1" };
const shownPassword = /canary/;

const urlOf = (port: number, password = login.password, scheme = "rtsp"): string =>
  `${scheme}://${login.user}:${encodeURIComponent(password)}@127.0.0.1:${port}/live?profile=1`;

const rtspSource = (url: string, options: Partial<RtspSourceOptions> = {}) =>
  createRtspSource({ url: new Secret(url), transport: "tcp", report() {}, ...options });

describe("an RTSP camera", () => {
  it.each([
    ["tcp", true],
    ["udp", true],
    ["tcp", false],
  ] as const)(
    "gives its pictures over %s (parameter sets in the SDP: %s)",
    async (transport, parameterSetsInSdp) => {
      await using camera = await startRtspCamera({ ...login, parameterSetsInSdp });
      const source = rtspSource(urlOf(camera.port), { transport });
      const { pictures, fault } = await collect(source, ({ length }) => length >= 60);
      expect(fault).toBeUndefined();
      expect(pictures[0]?.keyframe).toBe(true);
      for (const [index, { keyframe, nalus, dtsUs, ptsUs }] of pictures.entries()) {
        expect(keyframe).toBe(index % 15 === 0);
        if (keyframe) expect(nalus.slice(0, 2).map(typeOf)).toEqual([nalType.sps, nalType.pps]);
        expect(ptsUs).toBe(dtsUs);
        const stepUs = dtsUs - (pictures[index - 1]?.dtsUs ?? dtsUs - 33_000);
        expect(Math.abs(stepUs - 33_333)).toBeLessThan(1500);
      }
      expect(ownChildren().filter(({ commandLine }) => commandLine.includes("concat"))).toEqual([]);
    },
  );

  it("is read without its login on any command line or in any environment", async () => {
    await using camera = await startRtspCamera({ ...login, parameterSetsInSdp: true });
    let seen = "";
    const { pictures } = await collect(rtspSource(urlOf(camera.port)), ({ length }) => {
      seen = inspect(ownChildren());
      return length >= 3;
    });
    expect(pictures).toHaveLength(3);
    expect(seen).toContain("-f concat");
    expect(seen).not.toMatch(shownPassword);
    expect(seen).not.toContain("rtsp://");
    expect(seen).not.toContain(login.user);
  });

  it("that refuses the password is not asked again, and the password is not told", async () => {
    await using camera = await startRtspCamera({ ...login, parameterSetsInSdp: true });
    const { fault } = await collect(rtspSource(urlOf(camera.port, "canary-wrong")));
    expect(fault).toMatchObject({ code: "login-refused", retryable: false });
    expect(inspect(fault, { depth: 9 })).not.toMatch(shownPassword);
  });

  it("that is not there is a lost connection, told without its address", async () => {
    const camera = await startRtspCamera({ ...login, parameterSetsInSdp: true });
    await camera[Symbol.asyncDispose]();
    const { fault } = await collect(rtspSource(urlOf(camera.port)));
    expect(fault).toMatchObject({ code: "connection-lost", retryable: true });
    expect(fault?.message).toContain("Connection refused");
    expect(inspect(fault, { depth: 9 })).not.toMatch(shownPassword);
    expect(inspect(fault, { depth: 9 })).not.toContain(login.user);
  });

  it("with another codec is refused in plain words", async () => {
    await using camera = await startRtspCamera({ ...login, parameterSetsInSdp: true, codec: "libx265" });
    const { fault } = await collect(rtspSource(urlOf(camera.port)));
    expect(fault).toMatchObject({ code: "source-unsupported", retryable: false });
    expect(fault?.message).toMatch(/Expected H.264 video.*found hevc video while reading the RTSP camera/);
  });

  it("that goes silent counts as stalled", async () => {
    await using camera = await startRtspCamera({ ...login, parameterSetsInSdp: true });
    const { fault, pictures } = await collect(
      rtspSource(urlOf(camera.port), { stallMs: 3000 }),
      ({ length }) => {
        if (length === 10) camera.silence();
        return false;
      },
    );
    expect(pictures.length).toBeGreaterThanOrEqual(10);
    expect(fault?.code).toBe("source-stalled");
  });

  it("that hangs up has ended", async () => {
    await using camera = await startRtspCamera({ ...login, parameterSetsInSdp: true });
    const { fault } = await collect(rtspSource(urlOf(camera.port)), ({ length }) => {
      if (length === 10) camera.hangUp();
      return false;
    });
    expect(["source-ended", "connection-lost"]).toContain(fault?.code);
  });

  it("tells what it counted", async () => {
    await using camera = await startRtspCamera({ ...login, parameterSetsInSdp: true });
    const { report, events } = recordEvents();
    await collect(rtspSource(urlOf(camera.port), { report }), ({ length }) => length >= 20);
    expect(events.at(-1)).toMatchObject({
      type: "source-progress",
      name: "rtsp",
      counters: { units: 20, keyframes: 2 },
    });
  });

  it("must have an RTSP address", () => {
    for (const url of [
      "",
      "http://robo:canary@host/live",
      "rtsp://",
      "rtsp://host/a b",
      "rtsp://host/live\nfile '/etc/passwd'",
    ]) {
      expect(() => rtspSource(url)).toThrow(/must look like rtsp:\/\/host\/path/);
    }
  });

  it("over rtsps comes with a warning, because nothing proves that it is the right camera", () => {
    const { report, notices } = recordEvents();
    rtspSource(urlOf(1, "x", "rtsps"), { report });
    expect(notices()).toEqual([expect.stringContaining("does not check the certificate")]);
  });
});
