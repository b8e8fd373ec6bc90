import type { X509Certificate } from "node:crypto";
import { TLSSocket } from "node:tls";
import type { Config, OutputConfig, WhipOutputConfig } from "../../config/config.ts";
import { toFault } from "../../domain/fault.ts";
import { shakeHands } from "../../outputs/rtmp-knock.ts";
import type { HandsShaken } from "../../outputs/rtmp-knock.ts";
import { openSocket, parseRtmpUrl } from "../../outputs/server-socket.ts";
import { fallbackList, fetchIngestList, parseIngestList } from "../../outputs/twitch-list.ts";
import { findNearest, twitchListUrl } from "../../outputs/twitch.ts";
import { serverOf } from "../../outputs/whip-exchange.ts";
import { parseWhipUrl } from "../../outputs/whip-session.ts";
import { judgeExpiry } from "./certificate-checks.ts";
import { ok, wrong } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import { addressOf } from "./context.ts";
import type { DoctorContext } from "./context.ts";

const candidates = 5;
const limitMs = 15_000;
/** Longer than anybody would wait for a live line. */
const answerMs = 8000;

/** Each destination as far as RTMP's handshake, or TLS before WHIP: nothing is published, and no key leaves this machine. */
export function ingestChecks({ config, root }: DoctorContext): readonly Check[] {
  const outputs: Config["outputs"] = root.isThisMachine ? (config?.outputs ?? []) : [];
  return outputs.map((output): Check => {
    const id = `ingest:${output.name}`;
    return { id, limitMs, run: (signal) => checkIngest(id, output, signal) };
  });
}

async function checkIngest(
  id: string,
  output: OutputConfig,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const certificateId = `certificate:${output.name}`;
  const late = AbortSignal.timeout(answerMs);
  const either = AbortSignal.any([signal, late]);
  try {
    const { host, port, words, certificate } = await meet(output, either);
    const found = ok(id, `${host}:${port} ${words}.`);
    if (certificate === undefined) return [found];
    return [found, judgeExpiry(certificateId, `the certificate of ${host}`, certificate)];
  } catch (error) {
    const { code, message: text } = toFault(error);
    const message = late.aborted
      ? `It did not answer${output.kind === "whip" ? "" : " with RTMP's handshake"} within ${answerMs / 1000} s.`
      : text;
    const meaning = "Nothing can be published there.";
    const remedy =
      code === "output-tls"
        ? "Check this machine's clock, then the server's certificate. Behind a captive portal, log in there first."
        : "Is the server up, and the address right? Look at internet-route and dns too.";
    const found = wrong(id, message, meaning, remedy);
    if (!message.includes("CERT_HAS_EXPIRED")) return [found];
    const renew = "Renew it on the server; if this machine's clock is wrong, set that.";
    return [found, wrong(certificateId, message, "The certificate has expired.", renew)];
  }
}

interface Met {
  readonly host: string;
  readonly port: number;
  readonly words: string;
  readonly certificate?: X509Certificate;
}

async function meet(output: OutputConfig, signal: AbortSignal): Promise<Met> {
  if (output.kind === "whip") return meetWhip(output, signal);
  const url = addressOf(output) ?? (await nearestTwitch(output.ca, signal));
  const shaken = await shakeHands(url, output.ca, signal);
  return { ...parseRtmpUrl(url), words: describe(shaken), ...shaken };
}

/** Anything more than the connection would be a session. */
async function meetWhip({ url, ca }: WhipOutputConfig, signal: AbortSignal): Promise<Met> {
  const server = serverOf(parseWhipUrl(url));
  const { socket, roundTripMs } = await openSocket(server, ca, signal);
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  socket.destroy();
  const how = certificate === undefined ? "without TLS" : "with TLS";
  const words = `is open ${how} (one way there and back: ${roundTripMs.toFixed(0)} ms); whether its UDP port is too, publishing tells`;
  return { ...server, words, ...(certificate && { certificate }) };
}

function describe({ roundTripMs, connectMs, handshakeMs, certificate }: HandsShaken): string {
  const how = certificate === undefined ? "without TLS" : "with TLS";
  const [tcp, all, rtmp] = [roundTripMs, connectMs, handshakeMs].map((value) => `${value.toFixed(0)} ms`);
  return `is open ${how} after ${all} (one way there and back: ${tcp}), RTMP's handshake took ${rtmp}`;
}

async function nearestTwitch(ca: string | undefined, signal: AbortSignal): Promise<string> {
  const list = await fetchIngestList(twitchListUrl, signal).then(parseIngestList, () => fallbackList);
  return findNearest(list.urls.slice(0, candidates), ca, signal);
}
