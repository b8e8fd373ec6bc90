import { Fault, summarize } from "../../domain/fault.ts";
import type { FastifyReply } from "fastify";
import { nowUs } from "../../lib/clock.ts";

/** Answers a request with what `work` gives, or says that it is under way, or that it was done a moment ago. */
export type OneAtATime = (reply: FastifyReply, work: () => Promise<object>) => Promise<object>;

/** For what takes seconds and asks others: it runs once at a time, and rests between two for `pauseMs`. */
export function createOneAtATime(what: string, pauseMs: number): OneAtATime {
  let isRunning = false;
  let againUs = 0;
  return async (reply, work) => {
    const waitMs = isRunning ? pauseMs : (againUs - nowUs()) / 1000;
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      const text = isRunning
        ? `${what} is already under way. Wait for its end.`
        : `${what} was done a moment ago. Ask again in ${seconds} s.`;
      const fault = summarize(new Fault("rate-limited", text));
      return reply.code(429).header("retry-after", seconds).send({ ok: false, fault });
    }
    isRunning = true;
    try {
      return await work();
    } finally {
      isRunning = false;
      againUs = nowUs() + pauseMs * 1000;
    }
  };
}
