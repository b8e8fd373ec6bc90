import { Fault, summarize } from "../../domain/fault.ts";
import { nowUs } from "../../lib/clock.ts";
import type { RouteGroup } from "./door.ts";
import { answers, jsonOf, refusals } from "./schemas.ts";

/** A look takes seconds and asks robot, ingests and programs: not more often than this. */
const pauseMs = 10_000;

/** Looks at everything that the line needs, as `spotlive doctor` does. */
export const doctorRoutes: RouteGroup = (app, { options, signal }) => {
  const { doctor } = options;
  if (doctor === undefined) return;
  let isRunning = false;
  let againUs = 0;

  app.post("/api/doctor", { config: { operation } }, async (_request, reply) => {
    const waitMs = isRunning ? pauseMs : (againUs - nowUs()) / 1000;
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      const text = isRunning
        ? "The doctor is already looking. Wait for what is found."
        : `The doctor has just looked. Ask again in ${seconds} s.`;
      const fault = summarize(new Fault("rate-limited", text));
      return reply.code(429).header("retry-after", seconds).send({ ok: false, fault });
    }
    isRunning = true;
    try {
      return await doctor(signal);
    } finally {
      isRunning = false;
      againUs = nowUs() + pauseMs * 1000;
    }
  });
};

const operation = {
  summary: "Looks at everything that the line needs, and says what is wrong and what to do",
  description: "What `spotlive doctor --json` prints. Nothing is put right, and nothing is published.",
  responses: {
    ...answers(jsonOf("Doctor")),
    ...refusals({
      403: "The header x-spotlive-csrf is missing or wrong",
      429: "It is looking, or has looked less than 10 s ago",
    }),
  },
};
