import { once } from "node:events";
import { readdirSync } from "node:fs";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { startChild } from "../../../src/lib/child.ts";
import type { Child, ChildOptions } from "../../../src/lib/child.ts";

const purpose = "being tested";

function startScript(
  script: string,
  signal: AbortSignal,
  options: Partial<ChildOptions> = {},
): Promise<Child> {
  return startChild("sh", ["-c", script], signal, { purpose, ...options });
}

async function faultOf(outcome: Promise<unknown>): Promise<Fault> {
  const error: unknown = await outcome.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Fault);
  return error as Fault;
}

const never = (): AbortSignal => new AbortController().signal;

describe("startChild", () => {
  it("carries input to output and settles when the program ends well", async () => {
    await using child = await startScript("cat", never());
    child.stdin.end("hello");
    expect(await text(child.stdout)).toBe("hello");
    await expect(child.done).resolves.toBeUndefined();
  });

  it("talks with a program of Node", async () => {
    const said: unknown[] = [];
    const script =
      "process.on('message', (text) => process.send({ heard: text }, () => process.disconnect()))";
    await using child = await startChild(process.execPath, ["-e", script], never(), {
      purpose,
      onMessage: (message) => said.push(message),
    });
    child.send?.("hello");
    await child.done;
    child.send?.("too late");
    expect(said).toEqual([{ heard: "hello" }]);
  });

  it("gives what a program writes to descriptor 3, where that was asked for", async () => {
    await using child = await startScript("echo out; echo progress >&3", never(), { extraPipe: true });
    const [said, extra] = await Promise.all([
      text(child.stdout),
      child.extra === undefined ? "" : text(child.extra),
    ]);
    expect([said, extra]).toEqual(["out\n", "progress\n"]);
    await child.done;
    await using plain = await startScript("echo lost >&3 || exit 4", never());
    expect(plain.extra).toBeUndefined();
    expect((await faultOf(plain.done)).message).toContain("exit status");
  });

  it("does not wait for a descriptor 3 that nobody reads", async () => {
    const child = await startScript("exec yes >&3", never(), { extraPipe: true });
    if (child.extra) await once(child.extra, "readable");
    await child[Symbol.asyncDispose]();
    expect(exists(child.pid)).toBe(false);
  });

  it("quotes the exit status and the last lines a program said before it died", async () => {
    const script = "for i in $(seq 1 30); do echo line $i >&2; done; printf last >&2; exit 3";
    await using child = await startScript(script, never());
    const fault = await faultOf(child.done);
    expect(fault.code).toBe("child-failed");
    expect(fault.message).toContain("sh, being tested, ended with exit status 3; it said: line 20 | line 21");
    expect(fault.message).toMatch(/line 30 \| last$/);
  });

  it("names the signal when it was killed by somebody else", async () => {
    await using child = await startScript("exec sleep 600", never());
    process.kill(child.pid, "SIGKILL");
    const fault = await faultOf(child.done);
    expect(fault.message).toBe("sh, being tested, ended with signal SIGKILL; it said nothing");
  });

  it("masks secrets before a long line is cut", async () => {
    const script = "printf '%0390d secret-key\\n' 0 >&2; exit 1";
    const mask = (line: string): string => line.replaceAll("secret-key", "***");
    await using child = await startScript(script, never(), { mask });
    const fault = await faultOf(child.done);
    expect(fault.message).not.toContain("secret");
    expect(fault.message).toContain("0 ***");
  });

  it("says that a program is not installed", async () => {
    const fault = await faultOf(startChild("spotlive-no-such-program", [], never(), { purpose }));
    expect(fault.code).toBe("child-missing");
    expect(fault.message).toContain("spotlive-no-such-program could not be started for being tested");
  });

  it("ends the program when aborted, and takes that for a normal end", async () => {
    const stop = new AbortController();
    await using child = await startScript("exec sleep 600", stop.signal);
    stop.abort();
    await expect(child.done).resolves.toBeUndefined();
    expect(exists(child.pid)).toBe(false);
  });

  it("ends a program at once that is started with an aborted signal", async () => {
    await using child = await startScript("exec sleep 600", AbortSignal.abort());
    await child.done;
    expect(exists(child.pid)).toBe(false);
  });

  it("asks twice with SIGTERM, then kills a program that will not listen", async () => {
    const stop = new AbortController();
    const script = "trap 'echo asked' TERM; echo ready; while :; do sleep 0.01; done";
    await using child = await startScript(script, stop.signal, { graceMs: 400 });
    const said: string[] = [];
    const ready = once(child.stdout, "data");
    child.stdout.on("data", (data: Buffer) => said.push(data.toString()));
    await ready;
    stop.abort();
    await child.done;
    expect(said.join("").match(/asked/g)).toHaveLength(2);
    expect(exists(child.pid)).toBe(false);
  });

  it("does not wait for a grandchild that keeps the pipes open", async () => {
    const stop = new AbortController();
    const child = await startScript("sleep 600 & echo $!; wait", stop.signal);
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const grandchild = Number(line.toString());
    try {
      stop.abort();
      await child.done;
      expect(exists(child.pid)).toBe(false);
    } finally {
      process.kill(grandchild, "SIGKILL");
    }
  });

  it("does not wait for output that nobody reads", async () => {
    const child = await startScript("exec yes", never(), { graceMs: 60_000 });
    await once(child.stdout, "readable");
    await child[Symbol.asyncDispose]();
    expect(exists(child.pid)).toBe(false);
  });

  it("survives writing to a program that is gone", async () => {
    const child = await startScript("exit 0", never());
    await child.done;
    child.stdin.write("too late");
    await child[Symbol.asyncDispose]();
  });

  it("is over when its scope is, without a process or a descriptor left", async () => {
    const cycle = async (): Promise<number> => {
      await using child = await startScript("exec sleep 600", never());
      return child.pid;
    };
    await cycle();
    const before = readdirSync("/proc/self/fd").length;
    for (let i = 0; i < 20; i += 1) expect(exists(await cycle())).toBe(false);
    await faultOf(startChild("spotlive-no-such-program", [], never(), { purpose }));
    await expect.poll(() => readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before);
  });

  it("leaves no listener at a signal that outlives it", async () => {
    const stop = new AbortController();
    const child = await startScript("exit 0", stop.signal);
    await child.done;
    stop.abort();
    await child[Symbol.asyncDispose]();
    await expect(child.done).resolves.toBeUndefined();
  });
});

/** True for a zombie too, so that every end proves the process was collected. */
function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
