import { Fault } from "../../domain/fault.ts";
import type { RouteGroup } from "./door.ts";
import { createOneAtATime } from "./one-at-a-time.ts";
import { answers, jsonOf, refusals } from "./schemas.ts";

/** Six wrong passwords lock a robot's account: not so quickly that a form does it by accident. */
const pauseMs = 2000;

/** What is tried out before it is put into the settings. */
export const setupRoutes: RouteGroup = (app, { options, context, signal }) => {
  const { setup } = options;
  if (setup === undefined) return;
  const robot = createOneAtATime("A trial of a robot", pauseMs);
  const ingest = createOneAtATime("A trial of a destination", pauseMs);

  app.post("/api/setup/robot", { config: { operation: robotOperation } }, (request, reply) =>
    robot(reply, () => setup.tryRobot(request.body, signal)),
  );
  app.post("/api/setup/ingest", { config: { operation: ingestOperation } }, (request, reply) => {
    // Two publishers with one key end each other.
    if (context.status().phase !== "idle")
      throw new Fault(
        "not-supported",
        "spotlive is publishing, perhaps there. Stop it first, then try again.",
      );
    return ingest(reply, () => setup.tryIngest(request.body, signal));
  });
};

const refused = refusals({
  400: "The request makes no sense; the fault says why",
  403: "The header x-spotlive-csrf is missing or wrong",
  409: "Not while spotlive is publishing",
  429: "One is under way, or ended a moment ago",
});

const robotOperation = {
  summary: "Tries a robot out: is it there, does it let us in, has it a camera, what does that send",
  description:
    "The password is tried once. `settings` is what to put into PUT /api/config, besides the password.",
  requestBody: { required: true, content: jsonOf("RobotLogin") },
  responses: { ...answers(jsonOf("RobotTrial")), ...refused },
};

const ingestOperation = {
  summary: "Publishes a test picture for ten seconds and measures what arrives",
  description: "Nobody sees it on Twitch; any other server shows it.",
  requestBody: { required: true, content: jsonOf("Ingest") },
  responses: { ...answers(jsonOf("IngestTrial")), ...refused },
};
