import { GantryError } from "../../base/errors.ts";
import type { Handler, Route } from "../call.ts";

/** BuildKit's two ways in. Clients read from `_ping` that the classic builder is the one here, and don't come. */
export function sessionRoutes(): Route[] {
  return [
    { method: "POST", path: "/session", handler: noSession },
    { method: "POST", path: "/grpc", handler: noSession },
  ];
}

const noSession: Handler = ({ request }) => {
  if (request.headers.upgrade === undefined) {
    throw new GantryError("invalid", "NO_UPGRADE", "no upgrade proto in request");
  }
  throw new GantryError("notImplemented", "BUILDKIT_ONLY", "BuildKit is not supported by this engine", {
    hint: "set DOCKER_BUILDKIT=0: the classic builder understands modern Dockerfiles here",
  });
};
