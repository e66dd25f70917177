import type { BuildShells } from "../../build/build-shells.ts";
import type { Clock } from "../../ports/clock.ts";
import { RAW } from "../../wire/frames.ts";
import { type Call, mustUpgrade, type Route } from "../call.ts";
import { HijackedStream } from "../client-stream.ts";
import { sizeOf } from "./containers.ts";

export interface BuildShellRoutesDeps {
  shells: BuildShells;
  clock: Pick<Clock, "after">;
}

/** Gantry's own: a terminal in a step that failed, by the token of its `shell` event. */
export function buildShellRoutes({ shells, clock }: BuildShellRoutesDeps): Route[] {
  return [
    {
      method: "POST",
      path: "/gantry/build-shells/:token",
      handler: async (call) => {
        mustUpgrade(call);
        const token = call.param("token");
        shells.check(token);
        const command = call.query.get("command") || undefined;
        const size = call.query.has("h") ? sizeOf(call) : undefined;
        const client = new HijackedStream(call.hijack(RAW), false, clock);
        await shells.enter(token, client, { ...(command && { command }), ...(size && { size }) });
      },
    },
    {
      method: "POST",
      path: "/gantry/build-shells/:token/resize",
      handler: (call: Call) => {
        shells.resize(call.param("token"), sizeOf(call));
        call.empty(200);
      },
    },
  ];
}
