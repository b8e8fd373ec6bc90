import type { RouteGroup } from "./door.ts";
import { stepSeconds } from "./history.ts";
import { answers, jsonOf } from "./schemas.ts";

/** What was: the last ten minutes as numbers, and the last things that happened and were asked for. */
export const historyRoutes: RouteGroup = (app, { history, journal }) => {
  app.get("/api/history", { config: { operation: historyOperation } }, () => ({
    ...{ stepSeconds, now: Date.now(), samples: history.samples },
  }));
  app.get("/api/journal", { config: { operation: journalOperation } }, () => ({
    ...{ events: journal.events, audit: journal.audit },
  }));
};

const historyOperation = {
  summary: "The last ten minutes, one sample a second, for graphs",
  description: "The newest last. The event stream goes on with events called `sample` of the same form.",
  responses: answers(jsonOf("History")),
};

const journalOperation = {
  summary: "What happened and what was asked for since spotlive began",
  description:
    "The newest first, at most 200 each. The texts may hold what others wrote. The event stream goes on with events " +
    "called `journal`.",
  responses: answers(jsonOf("Journal")),
};
