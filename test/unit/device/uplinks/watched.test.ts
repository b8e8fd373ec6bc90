import { describe, expect, it } from "vitest";
import type { HealthPolicy } from "../../../../src/device/uplinks/health.ts";
import type { Path } from "../../../../src/device/uplinks/plan.ts";
import type { Answer } from "../../../../src/device/uplinks/question.ts";
import { WatchedUplinks } from "../../../../src/device/uplinks/watched.ts";

const policy: HealthPolicy = {
  ...{ everyMs: 5, standbyMs: 30, againMs: 1, failures: 2, trialMs: 30, longestTrialMs: 100 },
};
const path = (name: string, address: string): Path => ({
  ...{ name, index: 0, addresses: [address] },
  route: {
    to: "default",
    device: name,
    gateway: undefined,
    source: undefined,
    metric: 0,
    table: "main",
    isOnlink: false,
  },
});
const both = [path("wlan0", "10.1.0.5"), path("usb0", "10.2.0.5")];
const yes: Answer = { hasAnswered: true, text: "ingest:443 answers" };
const no: Answer = { hasAnswered: false, text: "ingest:443 does not answer within 2 s" };

function watch(family: 4 | 6 = 4) {
  const told: string[] = [];
  const watched = new WatchedUplinks(family, policy, (severity, text) => told.push(`${severity}: ${text}`));
  const asked: string[] = [];
  let nowMs = 0;
  return {
    ...{ watched, told, asked },
    /** One look: whoever is due at this time gets its answer. */
    async look(atMs: number, answers: Readonly<Record<string, Answer>>): Promise<string | undefined> {
      nowMs = atMs;
      watched.choose();
      const ask = (from: string, isDoubtful: boolean): Promise<Answer> => {
        asked.push(`${from}${isDoubtful ? "?" : ""}`);
        return Promise.resolve(answers[from] ?? yes);
      };
      await Promise.all(watched.askDue(ask, () => nowMs));
      return watched.choose();
    },
  };
}

describe("uplinks that are watched", () => {
  it("are asked for a certificate until they are trusted, and now and then after that", async () => {
    const { watched, look, asked } = watch();
    watched.meet(both, 0);
    for (let atMs = 0; atMs <= 60; atMs += 5) await look(atMs, {});
    const ofFirst = asked.filter((from) => from.startsWith("10.1.0.5"));
    expect(ofFirst.flatMap((from, index) => (from.endsWith("?") ? index : []))).toEqual([0, 11]);
    expect(asked.filter((from) => from.startsWith("10.2.0.5"))).toHaveLength(3);
  });

  it("are all asked at once when the one in use begins to be silent", async () => {
    const { watched, look, asked } = watch();
    watched.meet(both, 0);
    await look(0, {});
    await look(5, { "10.1.0.5": no });
    asked.length = 0;
    expect(await look(6, { "10.1.0.5": no })).toBe("usb0");
    expect(asked).toEqual(["10.1.0.5", "10.2.0.5"]);
  });

  it("are told of in plain words", async () => {
    const { watched, look, told } = watch();
    watched.meet(both, 0);
    await look(0, {});
    await look(5, { "10.1.0.5": no });
    await look(6, { "10.1.0.5": no });
    watched.meet([], 7);
    watched.choose();
    expect(told).toEqual([
      "info: The traffic for the internet goes over wlan0.",
      "info: wlan0 carries the internet: ingest:443 answers.",
      "info: usb0 carries the internet: ingest:443 answers.",
      "warning: wlan0 does not carry the internet: ingest:443 does not answer within 2 s. It is used again when it has answered for 0 s.",
      "info: The traffic for the internet goes over usb0.",
      "warning: There is no uplink at all: usb0 was the last one.",
    ]);
  });

  it("are not asked where there is but one, or nobody to be asked", async () => {
    const alone = watch();
    alone.watched.meet([path("wlan0", "10.1.0.5")], 0);
    expect(await alone.look(0, {})).toBe("wlan0");
    expect(alone.asked).toEqual([]);
    const nobody: Answer = { hasAnswered: undefined, text: "there is nobody to ask" };
    const six = watch(6);
    six.watched.meet(both, 0);
    expect(await six.look(0, { "10.1.0.5": nobody, "10.2.0.5": nobody })).toBe("wlan0");
    await six.look(29, {});
    expect(six.asked).toHaveLength(2);
  });

  it("begin anew with another address, as in another network", async () => {
    const { watched, look } = watch();
    watched.meet(both, 0);
    await look(0, { "10.1.0.5": no });
    await look(1, { "10.1.0.5": no });
    expect(watched.choose()).toBe("usb0");
    watched.meet([path("wlan0", "10.9.0.5"), path("usb0", "10.2.0.5")], 2);
    expect(await look(2, {})).toBe("wlan0");
  });
});
