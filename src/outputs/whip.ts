import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault, toFault } from "../domain/fault.ts";
import type { Output, Unit } from "../domain/media.ts";
import type { Report } from "../domain/status.ts";
import { nowUs } from "../lib/clock.ts";
import { childSignal, untilAborted } from "../lib/signals.ts";
import { OutputMeter } from "./output-meter.ts";
import { awaitReachable, openSocket } from "./server-socket.ts";
import type { Peer, PeerSending } from "./webrtc/peer.ts";
import { h264PayloadType } from "./webrtc/rtp-stream.ts";
import { serverOf } from "./whip-exchange.ts";
import { WhipLine } from "./whip-line.ts";
import { openSession, parseWhipUrl } from "./whip-session.ts";
import type { WhipTarget } from "./whip-session.ts";

export interface WhipOutputOptions {
  readonly name: string;
  readonly target: WhipTarget;
  /** Milliseconds without a word from the server after which it counts as dead; 8 s at least, as it may be quiet for 6. */
  readonly stallMs?: number;
  readonly report: Report;
}

const leastStallMs = 8000;
/** From the server's answer to the first picture: ICE and DTLS. */
const connectMs = 10_000;
/** A server that begins the DTLS handshake has its keys half an exchange after us; what comes before is lost to it. */
const settleMs = 150;
/** What can stand in a header: more than RFC 6750, 2.1 allows, as some servers take `user:password`. */
const tokenSyntax = /^[\x21-\x7e]+$/;

/**
 * Publishes the picture to a media server by WebRTC (WHIP, RFC 9725): H.264 untouched, without sound. Throws
 * `config-invalid` when the address or the token is none.
 */
export function createWhipOutput(options: WhipOutputOptions): Output {
  const { url, token } = options.target;
  const address = serverOf(parseWhipUrl(url));
  if (token !== undefined && !tokenSyntax.test(token.reveal()))
    throw new Fault("config-invalid", "Expected a token of ASCII characters without spaces; it has others.");
  const meter = new OutputMeter();
  return {
    name: options.name,
    async run(units, signal) {
      try {
        await publish(options, meter, units, signal);
      } catch (error) {
        if (!signal.aborted) throw toFault(error, "output-closed");
      }
    },
    awaitReachable: (signal) => awaitReachable(address, signal),
  };
}

async function publish(
  options: WhipOutputOptions,
  meter: OutputMeter,
  units: AsyncIterable<Unit>,
  parent: AbortSignal,
): Promise<void> {
  using scope = childSignal(parent);
  const { signal } = scope;
  const { target } = options;
  const { createPeer } = await import("./webrtc/peer.ts"); // werift: not for lines without it
  const { socket, roundTripMs } = await openSocket(serverOf(parseWhipUrl(target.url)), target.ca, signal);
  using opened = new DisposableStack();
  opened.defer(() => socket.destroy());
  const connected = Promise.withResolvers<PeerSending>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  let heardUs = nowUs();
  let repeat = (_sequences: readonly number[]): void => {};
  const localAddresses = addressesBeside(socket.localAddress ?? "");
  using peer = await createPeer(
    { localAddresses },
    {
      onConnected: connected.resolve,
      onFailed: ({ message, cause }) => failed.reject(new Fault("output-closed", message, { cause })),
      onHeard: () => (heardUs = nowUs()),
      onNack: (sequences) => repeat(sequences),
      onPictureLoss: () => {}, // the next keyframe is the answer
    },
  );
  await using session = await openSession(target, socket, peer.offer, signal);
  accept(peer, session.answer);
  const aborted = untilAborted(signal);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(unconnected()), connectMs);
  const sending = await Promise.race([connected.promise, failed.promise, late.promise, aborted]).finally(() =>
    clearTimeout(timer),
  );
  if (sending === undefined) return;
  await sleep(settleMs + roundTripMs, undefined, { signal });
  using line = new WhipLine({ ...options, sending, meter });
  repeat = (sequences) => line.repeat(sequences);
  heardUs = nowUs();
  const stallMs = Math.max(leastStallMs, options.stallMs ?? 10_000);
  const stalled = Promise.withResolvers<never>();
  const watch = setInterval(() => {
    if (nowUs() - heardUs > stallMs * 1000) stalled.reject(silent(stallMs));
  }, 500);
  try {
    await Promise.race([line.pump(units), failed.promise, stalled.promise, aborted]);
  } finally {
    clearInterval(watch);
  }
}

const takesH264 = new RegExp(`^a=rtpmap:${h264PayloadType} H264/90000`, "im");

/** Throws where the server does not take what was offered. */
function accept(peer: Peer, answer: string): void {
  if (!/^m=video [1-9]/m.test(answer) || !takesH264.test(answer))
    throw new Fault("publish-refused", "The server takes no H.264. Allow it there.");
  if (!/^a=candidate:.* udp /im.test(answer))
    throw new Fault(
      "protocol-error",
      "The server's answer names no UDP address to send to (no candidate). Look at its settings for WebRTC.",
    );
  peer.answer(answer);
}

/** The address that the server is reached from, and the other family's one of the same interface. */
function addressesBeside(local: string): readonly string[] {
  const family = local.includes(":") ? "IPv6" : "IPv4";
  const own = Object.values(networkInterfaces()).find((all) => all?.some(({ address }) => address === local));
  const other = own?.find((one) => one.family !== family && !/^fe80:/i.test(one.address));
  return other === undefined ? [local] : [local, other.address];
}

function unconnected(): Fault {
  const text = `The server took the session, but no media connection came about within ${connectMs / 1000} s. Its UDP port must be reachable from here, at the addresses that its answer names.`;
  return new Fault("output-closed", text);
}

function silent(stallMs: number): Fault {
  const text = `Nothing has come from the server for ${stallMs / 1000} s. The uplink or the server hangs.`;
  return new Fault("output-stalled", text);
}
