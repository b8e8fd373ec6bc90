import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { Fault } from "../../src/domain/fault.ts";
import type { Output, Unit } from "../../src/domain/media.ts";
import { Secret } from "../../src/domain/secret.ts";
import type { StatusEvent } from "../../src/domain/status.ts";
import { RtmpComposer } from "../../src/outputs/rtmp-composer.ts";
import { createRtmpOutput } from "../../src/outputs/rtmp.ts";
import { connectPublisher } from "../../src/rtmp/publisher.ts";
import { eventually } from "../helpers/eventually.ts";
import { startNginxRtmp, type NginxRtmp } from "../helpers/nginx.ts";
import { encodeH264, judge, looped, paced, unitsFromAnnexB, type Packet } from "../helpers/publish.ts";

const never = new AbortController().signal;
const key = "live_7_canary";
const fps = 30;

function outputTo(nginx: NginxRtmp, events: StatusEvent[] = [], streamKey = key): Output {
  const target = { url: nginx.url, streamKey: new Secret(streamKey) };
  return createRtmpOutput({ name: "nginx", target, audio: "silent", report: (event) => events.push(event) });
}

async function testPictures(): Promise<ReturnType<typeof unitsFromAnnexB>> {
  return unitsFromAnnexB(await encodeH264({ fps }), fps);
}

async function endless(): Promise<AsyncIterable<Unit>> {
  return paced(looped(await testPictures(), fps));
}

async function faultOf(run: Promise<void>): Promise<Fault | undefined> {
  try {
    await run;
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

function steps(packets: readonly Packet[]): number[] {
  return packets.slice(1).map((packet, index) => packet.dts - (packets[index]?.dts ?? 0));
}

describe("publishing to nginx", () => {
  it("brings every picture, in time, with sound from the first packet, and without a decoder's complaint", async () => {
    await using nginx = await startNginxRtmp();
    const units = await testPictures();
    const events: StatusEvent[] = [];
    await outputTo(nginx, events).run(paced(units), never);
    const verdict = await judge(await nginx.recording(key));
    expect(verdict.decoderErrors).toEqual([]);
    expect(verdict.codecs).toEqual(["h264", "aac"]);
    expect(verdict.video.map((packet) => packet.dts)).toEqual(
      units.map((unit) => Math.round(unit.dtsUs / 1000)),
    );
    expect(verdict.video.filter((packet) => packet.flags.startsWith("K"))).toHaveLength(3);
    expect(verdict.audio[0]?.dts).toBe(0);
    expect(steps(verdict.audio).every((step) => step === 23 || step === 24)).toBe(true);
    const last = events.at(-1);
    expect(last).toMatchObject({
      type: "output-progress",
      counters: { units: units.length, unsentBytes: 0 },
    });
    if (last?.type === "output-progress") expect(last.counters.acknowledgedBytes).toBeGreaterThan(500_000);
  });

  it("sends times of more than 4.6 hours, and pictures of several chunks there, as nginx understands them", async () => {
    await using nginx = await startNginxRtmp();
    const large = { fps, size: "1280x720", bitrate: 12_000_000, seconds: 2, gop: 15 };
    const units = await unitsFromAnnexB(await encodeH264(large), fps);
    expect(Math.max(...units.map((unit) => unit.avcc.length))).toBeGreaterThan(65_536);
    for (const [name, startMs] of [
      ["before", 0xffffff - 500],
      ["after", 0x1000000],
    ] as const) {
      const socket = connect(nginx.port, "127.0.0.1");
      const address = { app: "app", tcUrl: nginx.url, streamKey: new Secret(name) };
      const publisher = await connectPublisher(socket, address, never);
      const composer = new RtmpComposer("silent", { sampleRate: 48_000, channels: 2 });
      for (const unit of units) {
        const messages = composer.video(unit);
        publisher.send(messages.map((message) => ({ ...message, timestamp: message.timestamp + startMs })));
      }
      await publisher.end();
      const verdict = await judge(await nginx.recording(name));
      expect(verdict.decoderErrors).toEqual([]);
      expect(verdict.video).toHaveLength(units.length);
      expect(steps(verdict.video).every((step) => step === 33 || step === 34)).toBe(true);
    }
  });

  it("says that the key may be wrong when nginx refuses it, which it does without a word", async () => {
    await using nginx = await startNginxRtmp({ allow: () => false });
    const fault = await faultOf(outputTo(nginx).run(await endless(), never));
    expect(fault?.code).toBe("closed-early");
    expect(fault?.message).not.toContain("canary");
  });

  it("hands a query behind the key to the server as such", async () => {
    await using nginx = await startNginxRtmp({ allow: () => false });
    await faultOf(outputTo(nginx, [], `${key}?bandwidthtest=true`).run(await endless(), never));
    expect(nginx.publishes[0]?.get("name")).toBe(key);
    expect(nginx.publishes[0]?.get("bandwidthtest")).toBe("true");
  });

  it("tells that a key is in use", async () => {
    await using nginx = await startNginxRtmp();
    const stop = new AbortController();
    const first = outputTo(nginx).run(await endless(), stop.signal);
    await eventually(() => nginx.publishes.length === 1);
    const fault = await faultOf(outputTo(nginx).run(await endless(), never));
    expect(fault?.code).toBe("key-in-use");
    stop.abort();
    await first;
  });

  it("ends cleanly when aborted: nginx sees the publisher leave and the recording is whole", async () => {
    await using nginx = await startNginxRtmp();
    const stop = new AbortController();
    const events: StatusEvent[] = [];
    const run = outputTo(nginx, events).run(await endless(), stop.signal);
    await eventually(() => events.length > 0);
    stop.abort();
    await run;
    const { video, decoderErrors } = await judge(await nginx.recording(key));
    const last = events.at(-1);
    expect(decoderErrors).toEqual([]);
    expect(video.length).toBe(last?.type === "output-progress" ? last.counters.units : -1);
  });

  it("notices that the server was killed, waits until it is back, and publishes again", async () => {
    await using nginx = await startNginxRtmp();
    const events: StatusEvent[] = [];
    const output = outputTo(nginx, events);
    const run = faultOf(output.run(await endless(), never));
    await eventually(() => events.length > 5); // one a second: no longer right after publish
    await nginx.kill();
    expect((await run)?.code).toBe("output-closed");
    expect((await faultOf(output.run(await endless(), never)))?.code).toBe("output-unreachable");

    let reachable = false;
    const waiting = output.awaitReachable?.(never).then(() => (reachable = true));
    expect(reachable).toBe(false);
    await nginx.start();
    await waiting;
    const stop = new AbortController();
    const before = events.length;
    const again = output.run(await endless(), stop.signal);
    await eventually(() => events.length > before);
    stop.abort();
    await again;
    expect(nginx.publishes).toHaveLength(2);
  });
});
