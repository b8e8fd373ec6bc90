import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Config, Trust } from "../../config/config.ts";
import { ok, unknown, warning, wrong } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import type { DoctorContext } from "./context.ts";

const dayMs = 86_400_000;
/** Time enough for a person to renew it. */
const soonDays = 14;

/** Judges a certificate by its two dates. */
export function judgeExpiry(
  id: string,
  what: string,
  certificate: X509Certificate,
  nowMs = Date.now(),
): Finding {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  const until = `${what} is valid until ${dateOf(to)}`;
  const evidence = `${until.slice(0, 1).toUpperCase()}${until.slice(1)}.`;
  const renew = "Renew it, and put the new one in its place.";
  if (nowMs > to) return wrong(id, evidence, "It has expired: the other side will not be trusted.", renew);
  if (nowMs < from) {
    const meaning = `It is not valid before ${dateOf(from)}, by this machine's clock.`;
    return wrong(id, evidence, meaning, "Set the clock; if that is right, get another certificate.");
  }
  const days = Math.floor((to - nowMs) / dayMs);
  if (days < soonDays) return warning(id, evidence, `It expires in ${days} days.`, renew);
  return ok(id, evidence);
}

const dateOf = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 10);

/** The certificates that the configuration names: authorities, and what MQTT is shown. */
export function certificateChecks({ config }: DoctorContext): readonly Check[] {
  if (config === undefined) return [];
  return [...configured(config)].map(([name, read]): Check => {
    const id = `certificate:${name}`;
    return {
      id,
      async run() {
        const blocks = certificatesIn(await read());
        if (blocks.length === 0) return [unknown(id, `There is no certificate in ${name}.`)];
        // Of our own the first is the one that counts; a list of authorities is as good as the one that is valid longest.
        const judged = blocks.map((block) => judgeExpiry(id, `${name}, ${subjectOf(block)},`, block));
        const best = name === ownCertificate ? undefined : judged.find(({ verdict }) => verdict === "ok");
        return [best ?? judged[0] ?? unknown(id, "It is empty.")];
      },
    };
  });
}

const ownCertificate = "mqtt.certificateFile";

type ReadPem = () => Promise<string>;

function* configured({ source, outputs, mqtt }: Config): Iterable<readonly [name: string, ReadPem]> {
  const trusts: readonly (readonly [string, Trust])[] =
    source.kind === "spot"
      ? [
          ["spot.tls.caFile", source.tls],
          ["spot.cameraTls.caFile", source.cameraTls],
        ]
      : [];
  for (const [name, trust] of trusts)
    if (trust.kind === "ca") yield [name, () => readFile(trust.file, "utf8")];
  for (const { name, ca } of outputs)
    if (ca !== undefined) yield [`${name}.caFile`, () => Promise.resolve(ca)];
  const { ca, certificate } = mqtt ?? {};
  if (ca !== undefined) yield ["mqtt.caFile", () => Promise.resolve(ca)];
  if (certificate !== undefined) yield [ownCertificate, () => Promise.resolve(certificate)];
}

/** The certificates of a PEM text; one that cannot be read is left out. */
function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}

const subjectOf = ({ subject }: X509Certificate): string =>
  (subject ?? "").split("\n").at(-1)?.slice(0, 80) ?? "";
