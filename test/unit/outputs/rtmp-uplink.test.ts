import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { UplinkGauge } from "../../../src/outputs/rtmp-uplink.ts";
import type { Publisher } from "../../../src/rtmp/publisher.ts";

/** What the kernel's table says of the one connection, bytes; undefined: nothing. */
let kernelBytes: number | undefined;
let looks = 0;

const readKernel = (): number | undefined => {
  looks += 1;
  return kernelBytes;
};

beforeEach(() => {
  vi.useFakeTimers();
  [kernelBytes, looks] = [0, 0];
});

afterEach(() => {
  vi.useRealTimers();
});

function setUp() {
  const state = { writableLength: 0, sentBytes: 0, acknowledgedBytes: undefined as number | undefined };
  const gauge = new UplinkGauge(state as unknown as Socket, state as unknown as Publisher, 7, 40, readKernel);
  return { state, gauge };
}

describe("the gauge of a connection", () => {
  it("tells what waits in the socket and in the kernel, and what has arrived", () => {
    const { state, gauge } = setUp();
    Object.assign(state, { sentBytes: 1_000_000, writableLength: 30_000 });
    kernelBytes = 50_000;
    expect(gauge.read(true)).toEqual({
      connection: 7,
      waitingBytes: 80_000,
      deliveredBytes: 920_000,
      roundTripMs: 40,
    });
  });

  it("gives the same look again for a second while all is well", () => {
    const { state, gauge } = setUp();
    const first = gauge.read(false);
    state.sentBytes = 500_000;
    vi.advanceTimersByTime(900);
    expect(gauge.read(false)).toBe(first);
    expect(looks).toBe(1);
    vi.advanceTimersByTime(200);
    expect(gauge.read(false)).toMatchObject({ deliveredBytes: 500_000 });
    expect(looks).toBe(2);
  });

  it.each([
    ["whoever asks is eager", true, {}, 0],
    ["much waits in the socket", false, { writableLength: 100_000 }, 0],
    ["much waits in the kernel", false, {}, 300_000],
    ["the server says that it lacks much", false, { sentBytes: 400_000, acknowledgedBytes: 100_000 }, 0],
  ])("looks each time while %s", (_name, eager, change, kernel) => {
    const { state, gauge } = setUp();
    Object.assign(state, change);
    kernelBytes = kernel;
    for (let i = 0; i < 4; i += 1) {
      vi.advanceTimersByTime(250);
      gauge.read(eager);
    }
    expect(looks).toBe(4);
  });

  it("takes for waiting what the server has not acknowledged, besides what its spacing leaves open", () => {
    const { state, gauge } = setUp();
    Object.assign(state, { sentBytes: 150_000, acknowledgedBytes: 100_000 });
    expect(gauge.read(true).waitingBytes).toBe(0);
    Object.assign(state, { sentBytes: 250_000, acknowledgedBytes: 200_000 });
    expect(gauge.read(true).waitingBytes).toBe(0);
    state.sentBytes = 700_000;
    expect(gauge.read(true)).toMatchObject({ waitingBytes: 400_000, deliveredBytes: 300_000 });
  });

  it("takes the larger of what the kernel and what the server say", () => {
    const { state, gauge } = setUp();
    Object.assign(state, { sentBytes: 500_000, acknowledgedBytes: 100_000, writableLength: 10_000 });
    kernelBytes = 60_000;
    expect(gauge.read(true).waitingBytes).toBe(10_000 + 290_000);
    kernelBytes = 350_000;
    expect(gauge.read(true).waitingBytes).toBe(10_000 + 350_000);
  });

  it("manages with the socket alone where the kernel tells nothing and the server never acknowledges", () => {
    const { state, gauge } = setUp();
    Object.assign(state, { sentBytes: 500_000, writableLength: 20_000 });
    kernelBytes = undefined;
    expect(gauge.read(true)).toMatchObject({ waitingBytes: 20_000, deliveredBytes: 480_000 });
  });

  it("never says that fewer bytes have arrived than before", () => {
    const { state, gauge } = setUp();
    let delivered = 0;
    for (let i = 1; i < 60; i += 1) {
      state.sentBytes += 30_000 + (i % 7) * 5000;
      if (i % 5 === 0) state.acknowledgedBytes = Math.floor(state.sentBytes / 100_000) * 100_000;
      kernelBytes = Math.max(0, (kernelBytes ?? 0) + (i % 3 === 0 ? -30_000 : 10_000));
      const look = gauge.read(true);
      expect(look.deliveredBytes).toBeGreaterThanOrEqual(delivered);
      delivered = look.deliveredBytes;
    }
  });
});
