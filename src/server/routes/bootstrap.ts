import { GantryError } from "../../base/errors.ts";
import type { Bootstrap } from "../../engine/images/bootstrap.ts";
import { type Route, streamJson } from "../call.ts";

export interface BootstrapRoutesDeps {
  bootstrap: Bootstrap;
}

/** POST /gantry/images/bootstrap?name=&tag=&mirror=: makes a base image; answers with progress as JSON lines. */
export function bootstrapRoutes({ bootstrap }: BootstrapRoutesDeps): Route[] {
  return [
    {
      method: "POST",
      path: "/gantry/images/bootstrap",
      handler: (call) =>
        streamJson(call, async (send) => {
          const name = call.query.get("name") ?? "";
          if (name === "") throw new GantryError("invalid", "BAD_QUERY", "the query has no name of an image");
          const tag = call.query.get("tag") ?? "";
          const mirror = call.query.get("mirror") ?? "";
          const request = { name, ...(tag === "" ? {} : { tag }), ...(mirror === "" ? {} : { mirror }) };
          await bootstrap.run(request, send, call.signal);
        }),
    },
  ];
}
