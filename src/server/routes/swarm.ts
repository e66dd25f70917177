import { GantryError } from "../../base/errors.ts";
import type { Handler, Route } from "../call.ts";

const MANAGERS = ["/swarm", "/nodes", "/services", "/tasks", "/secrets", "/configs"];
const METHODS: Route["method"][] = ["GET", "POST", "PUT", "DELETE"];

/**
 * What a dockerd answers that is in no swarm, so that tools which look first (`docker service ls`, `docker stack ls`)
 * say what they say there. Joining one is not offered.
 */
export function swarmRoutes(): Route[] {
  const both = (path: string): string[] => [path, `${path}/*`];
  return [
    { method: "POST", path: "/swarm/init", handler: notOffered },
    { method: "POST", path: "/swarm/join", handler: notOffered },
    { method: "POST", path: "/swarm/leave", handler: notInSwarm },
    ...METHODS.flatMap((method) => MANAGERS.flatMap(both).map((path) => ({ method, path, handler: refuse }))),
  ];
}

/** What only a swarm could do. */
export const noManager = (): GantryError =>
  new GantryError(
    "unavailable",
    "NO_SWARM_MANAGER",
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  );

const refuse: Handler = () => {
  throw noManager();
};

const notInSwarm: Handler = () => {
  throw new GantryError("unavailable", "NO_SWARM", "This node is not part of a swarm");
};

const notOffered: Handler = () => {
  throw new GantryError("notImplemented", "NO_SWARM_MODE", "swarm mode is not supported by this engine");
};
