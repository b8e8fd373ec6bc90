import type { RouteGroup } from "./door.ts";
import { createOneAtATime } from "./one-at-a-time.ts";
import { answers, jsonOf, refusals } from "./schemas.ts";

/** A look takes seconds and asks robot, ingests and programs: not more often than this. */
const pauseMs = 10_000;

/** Looks at everything that the line needs, as `spotlive doctor` does. */
export const doctorRoutes: RouteGroup = (app, { options, signal }) => {
  const { doctor } = options;
  if (doctor === undefined) return;
  const oneAtATime = createOneAtATime("A look of the doctor", pauseMs);
  app.post("/api/doctor", { config: { operation } }, (_request, reply) =>
    oneAtATime(reply, () => doctor(signal)),
  );
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
