import { describe, expect, it } from "vitest";
import type { Rule, TranscodeTarget, Verdict } from "../../../../src/domain/verdict.ts";
import { Remedies } from "../../../../src/supervisor/care/remedies.ts";
import type { Step } from "../../../../src/supervisor/care/remedies.ts";

const target: TranscodeTarget = { bitsPerSecond: 5_400_000, idrSeconds: 2, profile: "high" };
const copy: Verdict = { destination: "Twitch", findings: [{ rule: "codec", text: "H.264." }], kind: "copy" };

function ask(...rules: Rule[]): Verdict {
  const findings = rules.map((rule) => ({ rule, remedy: "camera" as const, text: `Wrong ${rule}.` }));
  const wanted = {
    ...(rules.includes("bit-rate") && { targetBitrate: 5_400_000 }),
    ...(rules.includes("idr-spacing") && { idrInterval: 60 }),
  };
  return { destination: "Twitch", findings, kind: "ask-camera", ask: wanted };
}

function encode(...rules: Rule[]): Verdict {
  const findings = rules.map((rule) => ({ rule, remedy: "transcode" as const, text: `Wrong ${rule}.` }));
  return { destination: "Twitch", findings, kind: "transcode", target };
}

/** Judges once a second, from second 1 on, and gives the steps that are none of waiting, with their seconds. */
function walk(seconds: number, verdictAt: (second: number) => Verdict, remedies = new Remedies(0), from = 0) {
  const steps: string[] = [];
  let last = "";
  for (let second = from + 1; second <= from + seconds; second += 1) {
    const step = remedies.next(verdictAt(second), target, second * 1e6);
    const name = step.kind === "copy" && step.cured ? "cured" : step.kind;
    if (name !== "wait" && !(name === "copy" && last === "copy")) steps.push(`${second} ${name}`);
    last = name;
  }
  return steps;
}

const until = (second: number, before: Verdict, after: Verdict) => (now: number) =>
  now < second ? before : after;

describe("remedies", () => {
  it.each<[string, Verdict]>([
    ["without IDR pictures", ask("idr-spacing")],
    ["with too high a bit rate", ask("bit-rate")],
    ["that only an encoder can mend", encode("profile")],
  ])("give a camera %s five seconds to show what it sends", (_name, verdict) => {
    expect(walk(4, () => verdict)).toEqual([]);
  });

  it.each<[string, Verdict, string[]]>([
    ["IDR pictures missing: insists, then encodes", ask("idr-spacing"), ["5 insist", "10 transcode"]],
    ["the bit rate too high: asks, then encodes", ask("bit-rate"), ["5 ask", "10 transcode"]],
    [
      "both: asks, insists, then encodes",
      ask("bit-rate", "idr-spacing"),
      ["5 ask", "10 insist", "15 transcode"],
    ],
    [
      "a camera that cannot be asked: insists by requests alone",
      encode("idr-spacing"),
      ["5 insist", "10 transcode"],
    ],
    ["a profile that nobody takes: encodes", encode("profile"), ["5 transcode"]],
    ["a fitting stream: copies it", copy, ["1 copy"]],
  ])("take one step after the other: %s", (_name, verdict, steps) => {
    expect(walk(40, () => verdict)).toEqual(steps);
  });

  it("tell once that a stream is cured", () => {
    expect(walk(40, until(8, ask("idr-spacing"), copy))).toEqual(["5 insist", "10 cured", "11 copy"]);
  });

  it("take a single mishap of a stream that fitted for nothing but a reason to look again", () => {
    expect(walk(30, (second) => (second === 10 ? ask("idr-spacing") : copy))).toEqual([
      "1 copy",
      "10 confirm",
      "11 copy",
    ]);
  });

  it("act when the mishap lasts", () => {
    expect(walk(30, until(10, copy, ask("bit-rate")))).toEqual([
      "1 copy",
      "10 confirm",
      "15 ask",
      "20 transcode",
    ]);
  });

  it("go back to copying only after 15 s of a fitting stream", () => {
    const verdictAt = (second: number): Verdict => (second < 20 || second === 30 ? encode("bit-rate") : copy);
    expect(walk(60, verdictAt)).toEqual(["5 transcode", "46 cured", "47 copy"]);
  });

  it("do not insist a second time, but encode, when insisting does not last", () => {
    const verdictAt = (second: number): Verdict => (second >= 8 && second < 20 ? copy : ask("idr-spacing"));
    expect(walk(40, verdictAt)).toEqual(["5 insist", "10 cured", "11 copy", "20 confirm", "25 transcode"]);
  });

  it("give a camera that begins anew its five seconds, and remember what was found out about it", () => {
    const remedies = new Remedies(0);
    expect(walk(6, () => ask("idr-spacing"), remedies)).toEqual(["5 insist"]);
    remedies.restart(8e6);
    expect(walk(10, () => ask("idr-spacing"), remedies, 8)).toEqual(["13 transcode"]);
  });

  it("do not say that a camera was asked which nothing was asked of", () => {
    const step = new Remedies(0).next(encode("profile"), target, 5e6);
    expect(step).toMatchObject({
      kind: "transcode",
      text: "Wrong profile. The camera cannot be asked for that",
    });
  });

  it("say why, and ask for what the verdict says, besides a gradual refresh no slower than the IDR pictures", () => {
    const remedies = new Remedies(0);
    const steps: Step[] = [];
    for (const second of [5, 10, 15])
      steps.push(remedies.next(ask("bit-rate", "idr-spacing"), target, second * 1e6));
    expect(steps).toEqual([
      {
        kind: "ask",
        settings: { targetBitrate: 5_400_000, idrInterval: 60 },
        text: "Wrong bit-rate. Wrong idr-spacing. The camera is asked for less.",
      },
      {
        kind: "insist",
        settings: { targetBitrate: 5_400_000, idrInterval: 60, refreshInterval: 60 },
        text: "Wrong bit-rate. Wrong idr-spacing. The camera is asked for one again and again.",
      },
      {
        kind: "transcode",
        target,
        text: "Wrong bit-rate. Wrong idr-spacing. Nothing that the camera was asked for has helped",
      },
    ]);
  });
});
