import type { Containers } from "../../engine/containers/containers.ts";
import type { PortChange } from "../../engine/containers/live-ports.ts";
import type { PortsRequest, PortsResponse } from "../../wire/types/containers.ts";
import type { Call, Route } from "../call.ts";
import { LIVE_PORTS } from "../decode/bodies.ts";

/** POST and DELETE /gantry/containers/{id}/ports: published ports of a container that is there already. */
export function livePortRoutes({ containers }: { containers: Containers }): Route[] {
  const route = (method: Route["method"], status: number, change: "add" | "remove"): Route => ({
    method,
    path: "/gantry/containers/:name/ports",
    handler: async (call: Call) => {
      const { PortBindings } = await call.json<PortsRequest>(LIVE_PORTS);
      const entry = containers.find(call.param("name"));
      call.send(status, answerOf(await containers.ports[change](entry, PortBindings ?? {})));
    },
  });
  return [route("POST", 201, "add"), route("DELETE", 200, "remove")];
}

const answerOf = ({ ports, running }: PortChange): PortsResponse => ({ Ports: ports, Running: running });
