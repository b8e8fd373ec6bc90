import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Uplink } from "../../../../src/domain/media.ts";
import type { QueueCounters, StatusEvent } from "../../../../src/domain/status.ts";
import type { RateRange } from "../../../../src/supervisor/adapt/controller.ts";
import { Adaptation } from "../../../../src/supervisor/adapt/adaptation.ts";
import type { WatchedOutput } from "../../../../src/supervisor/adapt/adaptation.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const noQueue: QueueCounters = { units: 0, bytes: 0, milliseconds: 0, droppedUnits: 0 };
const tickMs = 50;

/** An output on a line that carries `capacity` bits per second; undefined: it is not connected. */
class FakeOutput implements WatchedOutput {
  readonly name: string;
  readonly queue = noQueue;
  capacity: number | undefined;
  connection = 1;
  looks = 0;
  /** Gives the same look again and again, as an output does that finds nothing to worry about. */
  isCalm = false;
  #look: Uplink | undefined;
  #waiting = 0;
  #delivered = 0;

  constructor(name: string, capacity: number | undefined) {
    this.name = name;
    this.capacity = capacity;
  }

  carry(bytes: number): void {
    const carried = Math.min(this.#waiting + bytes, ((this.capacity ?? 0) / 8000) * tickMs);
    this.#waiting += bytes - carried;
    this.#delivered += carried;
  }

  reconnect(): void {
    this.connection += 1;
    [this.#waiting, this.#delivered] = [0, 0];
  }

  uplink(): Uplink | undefined {
    this.looks += 1;
    if (this.capacity === undefined) return undefined;
    if (this.isCalm && this.#look !== undefined) return this.#look;
    this.#look = {
      connection: this.connection,
      waitingBytes: Math.round(this.#waiting),
      deliveredBytes: Math.round(this.#delivered),
      roundTripMs: 20,
    };
    return this.#look;
  }
}

function setUp(outputs: readonly FakeOutput[]) {
  const events: StatusEvent[] = [];
  const asked: number[] = [];
  let range: RateRange | undefined = { floor: 400_000, ceiling: 8_000_000 };
  let isLive = true;
  const adaptation = new Adaptation({
    outputs: () => outputs,
    range: () => range,
    isLive: () => isLive,
    ask: (rate) => asked.push(rate),
    report: (event) => events.push(event),
  });
  const line = {
    events,
    asked,
    /** The camera does what it was asked for last, or sends 8 Mbit/s. */
    run: (seconds: number): void => {
      for (let ms = 0; ms < seconds * 1000; ms += tickMs) {
        const bytes = isLive ? ((asked.at(-1) ?? 8e6) / 8000) * tickMs : 100;
        adaptation.note(bytes);
        for (const output of outputs) output.carry(bytes);
        vi.advanceTimersByTime(tickMs);
      }
    },
    setRange: (next: RateRange | undefined): void => void (range = next),
    setLive: (live: boolean): void => void (isLive = live),
    rates: () => events.flatMap((event) => (event.type === "rate" ? [event.rate] : [])),
    uplinks: () => events.flatMap((event) => (event.type === "uplink" ? [event] : [])),
    [Symbol.dispose]: () => adaptation[Symbol.dispose](),
  };
  return line;
}

describe("the adaptation", () => {
  it("asks for the ceiling while every uplink carries it, and tells so once", () => {
    using line = setUp([new FakeOutput("one", 20e6), new FakeOutput("two", 30e6)]);
    line.run(20);
    expect(new Set(line.asked)).toEqual(new Set([8e6]));
    expect(line.rates()).toEqual([
      { target: 8e6, ceiling: 8e6, reason: "The uplink carries all that is asked of the camera." },
    ]);
  });

  it("asks for the ceiling before any output is connected", () => {
    using line = setUp([new FakeOutput("one", undefined)]);
    line.run(1);
    expect(line.asked.at(-1)).toBe(8e6);
  });

  it("follows the slowest of the outputs that are connected, and names it", () => {
    using line = setUp([
      new FakeOutput("fast", 20e6),
      new FakeOutput("slow", 2e6),
      new FakeOutput("off", undefined),
    ]);
    line.run(25);
    expect(line.asked.at(-1)).toBeGreaterThan(1.6e6);
    expect(line.asked.at(-1)).toBeLessThan(2.2e6);
    const reasons = line.rates().map(({ reason }) => reason);
    expect(reasons.find((reason) => reason.includes("too slow"))).toContain("uplink to slow is too slow");
    expect(reasons.join(" ")).not.toContain("fast");
  });

  it("tells for each output what waits and what it carries", () => {
    using line = setUp([new FakeOutput("slow", 2e6)]);
    line.run(10);
    const told = line.uplinks().findLast(({ uplink }) => uplink.capacity !== undefined);
    expect(told?.uplink.capacity).toBeGreaterThan(1.8e6);
    expect(told?.uplink.capacity).toBeLessThan(2.2e6);
    expect(Math.max(...line.uplinks().map(({ uplink }) => uplink.delayMs))).toBeGreaterThan(300);
  });

  it("tells nothing of an output that is not connected any more", () => {
    const output = new FakeOutput("one", 20e6);
    using line = setUp([output]);
    line.run(3);
    const told = line.uplinks().length;
    expect(told).toBeGreaterThan(1);
    output.capacity = undefined;
    line.run(5);
    expect(line.uplinks()).toHaveLength(told);
  });

  it.each([false, true])("gives an output that hangs no vote (the same look again: %s)", (isCalm) => {
    const [slow, fast] = [new FakeOutput("slow", 2e6), new FakeOutput("fast", 20e6)];
    using line = setUp([slow, fast]);
    line.run(25);
    expect(line.asked.at(-1)).toBeLessThan(2.2e6);
    slow.capacity = 0;
    line.run(2);
    slow.isCalm = isCalm;
    line.run(3);
    expect(line.asked.at(-1)).toBe(8e6);
  });

  it("leaves the rate as it is while all outputs hang", () => {
    const slow = new FakeOutput("slow", 2e6);
    using line = setUp([slow]);
    line.run(25);
    const before = line.asked.at(-1);
    slow.capacity = 0;
    line.run(20);
    expect(line.asked.at(-1)).toBe(before);
  });

  it("knows what a line carried although its connection is another one", () => {
    const slow = new FakeOutput("slow", 2e6);
    using line = setUp([slow]);
    line.run(25);
    slow.reconnect();
    line.run(1);
    expect(line.asked.at(-1)).toBeLessThan(2.2e6);
  });

  it("learns nothing and asks for nothing while the picture is held", () => {
    const slow = new FakeOutput("slow", 2e6);
    using line = setUp([slow]);
    line.run(25);
    const calls = line.asked.length;
    line.setLive(false);
    line.run(60);
    expect(line.asked).toHaveLength(calls);
    line.setLive(true);
    line.run(1);
    expect(line.asked.at(-1)).toBeLessThan(2.2e6);
  });

  it("asks nothing of what cannot be asked, but tells what waits", () => {
    using line = setUp([new FakeOutput("slow", 2e6)]);
    line.setRange(undefined);
    line.run(10);
    expect(line.asked).toEqual([]);
    expect(line.rates()).toEqual([]);
    expect(line.uplinks().some(({ uplink }) => uplink.delayMs > 300)).toBe(true);
  });

  it("obeys another ceiling at the next look", () => {
    using line = setUp([new FakeOutput("one", 20e6)]);
    line.run(2);
    line.setRange({ floor: 400_000, ceiling: 3e6 });
    line.run(0.5);
    expect(line.asked.at(-1)).toBe(3e6);
    expect(line.rates().at(-1)).toMatchObject({ target: 3e6, ceiling: 3e6 });
    line.setRange({ floor: 400_000, ceiling: 9e6 });
    line.run(0.5);
    expect(line.asked.at(-1)).toBe(9e6);
  });

  it("never goes beyond a ceiling or below a floor that is no round number", () => {
    const output = new FakeOutput("one", 20e6);
    using line = setUp([output]);
    line.setRange({ floor: 404_000, ceiling: 3_006_000 });
    line.run(2);
    output.capacity = 100_000;
    line.run(20);
    expect(Math.max(...line.asked)).toBeLessThanOrEqual(3_006_000);
    expect(Math.min(...line.asked)).toBeGreaterThanOrEqual(404_000);
    expect(line.asked.at(-1)).toBeLessThan(420_000);
  });

  it("looks no more when its session is over", () => {
    const output = new FakeOutput("one", 20e6);
    const line = setUp([output]);
    line.run(1);
    line[Symbol.dispose]();
    const { looks } = output;
    line.run(5);
    expect(output.looks).toBe(looks);
  });
});
