import { GantryError } from "../../base/errors.ts";
import type { Call, Handler, Route } from "../call.ts";

/**
 * What a dockerd answers that has no plugins, so that tools which look for one say what they say there. Installing them
 * is not offered.
 */
export function pluginRoutes(): Route[] {
  const routes: [method: Route["method"], path: string, handler: Handler][] = [
    ["GET", "/plugins", (call) => call.send(200, [])],
    ["GET", "/plugins/privileges", notOffered],
    ["POST", "/plugins/pull", notOffered],
    ["POST", "/plugins/create", notOffered],
    ["GET", "/plugins/*", noPlugin],
    ["POST", "/plugins/*", noPlugin],
    ["DELETE", "/plugins/*", noPlugin],
  ];
  return routes.map(([method, path, handler]) => ({ method, path, handler }));
}

const ACTIONS = /\/(json|enable|disable|upgrade|push|set)$/;

const noPlugin = (call: Call): never => {
  const name = call.param("*").replace(ACTIONS, "");
  throw new GantryError("notFound", "NO_SUCH_PLUGIN", `plugin "${name}" not found`);
};

const notOffered = (): never => {
  throw new GantryError("notImplemented", "NO_PLUGINS", "plugins are not supported by this engine");
};
