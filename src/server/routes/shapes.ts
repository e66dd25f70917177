import { GantryError } from "../../base/errors.ts";
import type { TrafficShape } from "../../base/traffic-shape.ts";
import type { Containers } from "../../engine/containers/containers.ts";
import type { Shapes, ShapeTarget } from "../../engine/networks/shapes.ts";
import type { ShapeRequest, ShapesResponse } from "../../wire/types/networks.ts";
import type { Call, Route } from "../call.ts";
import { networkShapes } from "../encode/shape.ts";

export interface ShapeRoutesDeps {
  containers: Pick<Containers, "find">;
  shapes: Shapes;
}

/** PUT, GET and DELETE /gantry/containers/{id}/shape?network=: the network made worse for a container. */
export function shapeRoutes({ containers, shapes }: ShapeRoutesDeps): Route[] {
  const path = "/gantry/containers/:name/shape";
  const targetOf = (call: Call): ShapeTarget => {
    const network = call.query.get("network");
    return { containerId: containers.find(call.param("name")).id, ...(network ? { network } : {}) };
  };
  const answer = (call: Call, target: ShapeTarget): void =>
    call.send(200, { Shapes: networkShapes(shapes.of(target)) } satisfies ShapesResponse);
  return [
    {
      method: "PUT",
      path,
      handler: async (call) => {
        const { Duration, ...request } = numbersOf(await call.json<ShapeRequest>());
        const target = targetOf(call);
        shapes.set(target, shapeOf(request), Duration === undefined ? undefined : Duration / 1e6);
        answer(call, { containerId: target.containerId });
      },
    },
    { method: "GET", path, handler: (call) => answer(call, targetOf(call)) },
    {
      method: "DELETE",
      path,
      handler: (call) => {
        const target = targetOf(call);
        shapes.clear(target);
        answer(call, { containerId: target.containerId });
      },
    },
  ];
}

const FIELDS = ["Delay", "Jitter", "Loss", "Duplicate", "Corrupt", "Reorder", "Rate", "Duration"] as const;

/** Shares have fractions. Throws invalid BAD_JSON. */
function numbersOf(request: ShapeRequest): ShapeRequest {
  for (const name of FIELDS) {
    const value: unknown = request[name];
    if (value === undefined || value === null || (typeof value === "number" && value > 0)) continue;
    throw new GantryError("invalid", "BAD_JSON", `invalid JSON: ${name} must be a number above 0`);
  }
  return Object.fromEntries(FIELDS.flatMap((name) => (request[name] ? [[name, request[name]]] : [])));
}

const shapeOf = (request: Omit<ShapeRequest, "Duration">): TrafficShape =>
  Object.fromEntries(Object.entries(request).map(([name, value]) => [name.toLowerCase(), value]));
