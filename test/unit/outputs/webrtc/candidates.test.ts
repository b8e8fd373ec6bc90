import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasCandidate, revealAddresses, withCandidates } from "../../../../src/outputs/webrtc/candidates.ts";

const hidden = "d3472bac-dd6b-4388-9b2a-862b237cbc0f.local";
const line = (address: string): string =>
  `candidate:656114179 1 udp 2113937151 ${address} 44095 typ host generation 0`;
const candidate = (text: string) => ({ candidate: text, sdpMid: "0", sdpMLineIndex: 0 });

describe("a browser's candidates", () => {
  it("get the address that the browser asks from in place of a hidden name", () => {
    expect(revealAddresses(line(hidden), "192.0.2.7")).toBe(line("192.0.2.7"));
    expect(revealAddresses(`v=0\r\na=${line(hidden)}\r\na=${line(hidden)}\r\n`, "::1")).toBe(
      `v=0\r\na=${line("::1")}\r\na=${line("::1")}\r\n`,
    );
  });

  it("stay as they are where they hide nothing", () => {
    for (const address of ["192.0.2.9", "printer.local", "example.org"])
      expect(revealAddresses(line(address), "192.0.2.7")).toBe(line(address));
  });

  it("are added to an answer, except what is none", () => {
    const whole = withCandidates("v=0\r\nm=video 9\r\n", [
      candidate(line("192.0.2.7")),
      candidate("a\r\nm=audio"),
      candidate("candidate:1\r\nm=audio"),
    ]);
    expect(whole).toBe(`v=0\r\nm=video 9\r\na=${line("192.0.2.7")}\r\n`);
    expect(hasCandidate(whole)).toBe(true);
    expect(hasCandidate("v=0\r\nm=video 9\r\n")).toBe(false);
  });

  it("never make the revealing fail or slow, whatever they are", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(typeof revealAddresses(`candidate:${text}`, "192.0.2.7")).toBe("string");
      }),
    );
    revealAddresses("candidate:".repeat(100_000), "192.0.2.7");
  });
});
