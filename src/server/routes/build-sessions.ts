import type { BuildSessions } from "../build-sessions.ts";
import { mustUpgrade, type Route } from "../call.ts";

const CONTENT_TYPE = "application/vnd.gantry.build-session";

/** A build's client stays by it: one connection on which the engine tells its wishes, and one for each that is granted. */
export function buildSessionRoutes({ sessions }: { sessions: BuildSessions }): Route[] {
  return [
    {
      method: "POST",
      path: "/gantry/build-sessions",
      handler: (call) => {
        mustUpgrade(call);
        sessions.begin(call.hijack(CONTENT_TYPE));
      },
    },
    {
      method: "POST",
      path: "/gantry/build-sessions/:session/channels/:channel",
      handler: (call) => {
        mustUpgrade(call);
        sessions.get(call.param("session")).connect(Number(call.param("channel")), () => call.hijack(CONTENT_TYPE));
      },
    },
  ];
}
