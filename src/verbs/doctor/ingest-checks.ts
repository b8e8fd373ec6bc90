import type { Config, OutputConfig } from "../../config/config.ts";
import { toFault } from "../../domain/fault.ts";
import { shakeHands } from "../../outputs/rtmp-knock.ts";
import type { HandsShaken } from "../../outputs/rtmp-knock.ts";
import { parseRtmpUrl } from "../../outputs/rtmp-socket.ts";
import { fallbackList, fetchIngestList, parseIngestList } from "../../outputs/twitch-list.ts";
import { findNearest, twitchListUrl } from "../../outputs/twitch.ts";
import { judgeExpiry } from "./certificate-checks.ts";
import { ok, wrong } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import { addressOf } from "./context.ts";
import type { DoctorContext } from "./context.ts";

const candidates = 5;
const limitMs = 15_000;
/** Longer than anybody would wait for a live line. */
const answerMs = 8000;

/** Each destination as far as RTMP's handshake: nothing is published, and no key leaves this machine. */
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
    const url = addressOf(output) ?? (await nearestTwitch(output.ca, either));
    const shaken = await shakeHands(url, output.ca, either);
    const { host, port } = parseRtmpUrl(url);
    const found = ok(id, `${host}:${port} ${describe(shaken)}.`);
    const { certificate } = shaken;
    if (certificate === undefined) return [found];
    return [found, judgeExpiry(certificateId, `the certificate of ${host}`, certificate)];
  } catch (error) {
    const { code, message: text } = toFault(error);
    const message = late.aborted
      ? `It did not answer with RTMP's handshake within ${answerMs / 1000} s.`
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

function describe({ roundTripMs, connectMs, handshakeMs, certificate }: HandsShaken): string {
  const how = certificate === undefined ? "without TLS" : "with TLS";
  const [tcp, all, rtmp] = [roundTripMs, connectMs, handshakeMs].map((value) => `${value.toFixed(0)} ms`);
  return `is open ${how} after ${all} (one way there and back: ${tcp}), RTMP's handshake took ${rtmp}`;
}

async function nearestTwitch(ca: string | undefined, signal: AbortSignal): Promise<string> {
  const list = await fetchIngestList(twitchListUrl, signal).then(parseIngestList, () => fallbackList);
  return findNearest(list.urls.slice(0, candidates), ca, signal);
}
