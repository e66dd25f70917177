import type { EndpointSettings } from "../../base/container-config.ts";
import { GantryError, isGantryError } from "../../base/errors.ts";
import { familyOf } from "../../base/ip-address.ts";
import { parseTimestamp } from "../../base/timestamps.ts";
import { checkNetworkFilters, matchesNetwork } from "../../engine/networks/filter.ts";
import type { NetworkWish } from "../../engine/networks/network-plan.ts";
import type { Networks } from "../../engine/networks/networks.ts";
import type { NetworkView } from "../../engine/networks/render.ts";
import type { Clock } from "../../ports/clock.ts";
import type {
  NetworkConnectRequest,
  NetworkCreateRequest,
  NetworkCreateResponse,
  NetworkDisconnectRequest,
  PruneNetworksResponse,
} from "../../wire/types/networks.ts";
import type { Call, Route } from "../call.ts";
import { NETWORK_CONNECT, NETWORK_CREATE } from "../decode/network-bodies.ts";
import { noManager } from "./swarm.ts";

/** A container as far as connect and disconnect need it. */
export interface NetworkedContainer {
  id: string;
  running: boolean;
}

/** What a container's record keeps of a network: what was asked for, and what it has if it runs. */
export interface SavedEndpoint {
  asked: EndpointSettings;
  actual?: EndpointSettings;
}

export interface NetworkRoutesDeps {
  networks: Networks;
  clock: Clock;
  /** By name, id or prefix. Throws notFound. */
  resolveContainer: (reference: string) => NetworkedContainer;
  /** Keeps (or with undefined forgets) a network in the container's record, so that its next start joins it too. */
  saveEndpoint: (containerId: string, networkName: string, endpoint: SavedEndpoint | undefined) => Promise<void> | void;
  /** The networks by name that the container's record has, running or not. */
  savedEndpoints: (containerId: string) => string[];
  /** Runs `work` while the container neither starts nor ends. */
  whileSettled: <T>(containerId: string, work: () => Promise<T>) => Promise<T>;
}

const route = (method: Route["method"], path: string, handler: Route["handler"]): Route => ({ method, path, handler });

export function networkRoutes(deps: NetworkRoutesDeps): Route[] {
  const { networks } = deps;
  return [
    route("GET", "/networks", (call) => list(deps, call)),
    route("GET", "/networks/:id", (call) => call.send(200, networks.inspect(call.param("id")))),
    route("POST", "/networks/create", (call) => create(deps, call)),
    route("POST", "/networks/prune", (call) => prune(deps, call)),
    route("POST", "/networks/:id/connect", (call) => connect(deps, call)),
    route("POST", "/networks/:id/disconnect", (call) => disconnect(deps, call)),
    route("DELETE", "/networks/:id", (call) => {
      networks.remove(call.param("id"));
      call.empty(204);
    }),
  ];
}

const PREDEFINED = new Set(["bridge", "host", "none"]);

function list({ networks }: NetworkRoutesDeps, call: Call): void {
  const filters = call.filters();
  checkNetworkFilters(filters, "list");
  const shown = networks.list().filter((network) => {
    const facts = { builtin: PREDEFINED.has(network.Name), used: Object.keys(network.Containers).length > 0 };
    return matchesNetwork(network, filters, facts);
  });
  // who is on a network is told by inspect alone, since 1.28
  const rows = shown.map((network): NetworkView => (call.atLeast(28) ? { ...network, Containers: {} } : network));
  call.send(200, rows);
}

async function create({ networks }: NetworkRoutesDeps, call: Call): Promise<void> {
  const wish = wishOf(await call.json<NetworkCreateRequest>(NETWORK_CREATE), call);
  const view = networks.create(wish);
  call.send(201, { Id: view.Id, Warning: leftOut(wish, view) } satisfies NetworkCreateResponse);
}

/** Tells of a subnet of a family that the network has not. */
function leftOut({ pools }: NetworkWish, { EnableIPv4, EnableIPv6 }: NetworkView): string {
  const unused = pools.flatMap(({ subnet }) => {
    if (subnet === undefined) return [];
    return (familyOf(subnet) === 6 ? EnableIPv6 : EnableIPv4) ? [] : [subnet];
  });
  if (unused.length === 0) return "";
  const flag = unused.some((subnet) => familyOf(subnet) === 6) ? "--ipv6" : "--ipv4";
  return `the network does not use ${unused.join(", ")}: it is made without ${flag}`;
}

function wishOf(request: NetworkCreateRequest, call: Call): NetworkWish {
  if (request.ConfigOnly || request.ConfigFrom?.Network || request.Ingress) {
    throw new GantryError(
      "notImplemented",
      "NO_SUCH_NETWORK_KIND",
      "config-only and ingress networks are not supported",
    );
  }
  if (request.Scope && request.Scope !== "local") {
    throw noManager();
  }
  if (request.IPAM?.Driver && request.IPAM.Driver !== "default") {
    throw new GantryError(
      "invalid",
      "BAD_NETWORK",
      `could not find an available, non-overlapping IPAM driver: ${request.IPAM.Driver}`,
    );
  }
  return {
    name: request.Name ?? "",
    driver: request.Driver === "default" ? "" : (request.Driver ?? ""),
    internal: request.Internal ?? false,
    attachable: request.Attachable ?? false,
    // since 1.48 networks may have IPv6 alone
    ipv4: call.atLeast(48) ? (request.EnableIPv4 ?? undefined) : true,
    ipv6: request.EnableIPv6 ?? undefined,
    pools: (request.IPAM?.Config ?? []).map((pool) => ({
      subnet: pool.Subnet || undefined,
      ipRange: pool.IPRange || undefined,
      gateway: pool.Gateway || undefined,
      auxiliary: pool.AuxiliaryAddresses,
    })),
    options: request.Options ?? {},
    labels: request.Labels ?? {},
  };
}

function prune({ networks, clock }: NetworkRoutesDeps, call: Call): void {
  const filters = call.filters();
  checkNetworkFilters(filters, "prune");
  const [text] = filters.get("until") ?? [];
  const until = text === undefined ? undefined : Number(parseTimestamp(text, clock.now()) / 1_000_000n);
  const gone = networks.prune((network) => matchesNetwork(network, filters, { builtin: false, used: false, until }));
  call.send(200, { NetworksDeleted: gone.length > 0 ? gone : null } satisfies PruneNetworksResponse);
}

async function connect(deps: NetworkRoutesDeps, call: Call): Promise<void> {
  const body = await call.json<NetworkConnectRequest>(NETWORK_CONNECT);
  const network = deps.networks.inspect(call.param("id"));
  const { id } = deps.resolveContainer(body.Container ?? "");
  const asked = body.EndpointConfig ?? {};
  await deps.whileSettled(id, async () => {
    if (deps.resolveContainer(id).running) {
      const actual = deps.networks.connect(network.Id, id, asked);
      await deps.saveEndpoint(id, network.Name, { asked, actual });
      deps.networks.settle(id);
    } else {
      deps.networks.checkConnect(network.Id, deps.savedEndpoints(id), id);
      await deps.saveEndpoint(id, network.Name, { asked });
    }
  });
  call.empty(200);
}

function resolveForDisconnect(
  deps: NetworkRoutesDeps,
  { Container = "", Force }: NetworkDisconnectRequest,
): ReturnType<NetworkRoutesDeps["resolveContainer"]> {
  try {
    return deps.resolveContainer(Container);
  } catch (error) {
    if (!Force || !isGantryError(error, "NO_SUCH_CONTAINER")) throw error;
    throw new GantryError("notFound", "NO_SUCH_ENDPOINT", `endpoint ${Container} not found`, { cause: error });
  }
}

async function disconnect(deps: NetworkRoutesDeps, call: Call): Promise<void> {
  const body = await call.json<NetworkDisconnectRequest>(NETWORK_CONNECT);
  const network = deps.networks.inspect(call.param("id"));
  const { id } = resolveForDisconnect(deps, body);
  await deps.whileSettled(id, async () => {
    const { running } = deps.resolveContainer(id);
    if (running) deps.networks.disconnect(network.Id, id);
    else if (!deps.savedEndpoints(id).includes(network.Name)) {
      const words = `container ${id} is not connected to network ${network.Name}`;
      throw new GantryError("forbidden", "NOT_CONNECTED", words);
    }
    await deps.saveEndpoint(id, network.Name, undefined);
    if (running) deps.networks.settle(id);
  });
  call.empty(200);
}
