import type { EndpointSettings, HostConfig } from "../../base/container-config.ts";
import { GantryError, messageOf } from "../../base/errors.ts";
import { rootOf } from "../../base/id-map.ts";
import { parseLink } from "../../base/link.ts";
import type { AllowedFlow } from "../../ports/firewall.ts";
import type { ContainerDeps } from "./deps.ts";
import { type HostsLine, withHosts, withoutHost } from "./etc-files.ts";
import { linkEnvironment } from "./link-environment.ts";
import { type ContainerLink, type ContainerRecord, isUp } from "./record.ts";
import type { ContainerRegistry } from "./registry.ts";
import { idMapOf } from "./user-namespace.ts";

const BRIDGE = "bridge";
/** Modes under which HostConfig.Links means the default bridge. */
const PREDEFINED = new Set([BRIDGE, "none"]);

const conflict = (code: string, message: string, hint?: string): GantryError =>
  new GantryError("conflict", code, message, hint === undefined ? {} : { hint });

/** HostConfig.Links looked up. Throws invalid NO_SUCH_LINK, BAD_LINK; on a network of the user's they say nothing. */
export function planLinks(hostConfig: HostConfig, registry: ContainerRegistry): ContainerLink[] {
  if (!PREDEFINED.has(hostConfig.NetworkMode ?? BRIDGE)) return [];
  const links = new Map<string, ContainerLink>();
  for (const text of hostConfig.Links ?? []) {
    const { name, alias } = parseLink(text);
    const other = withOwnNetwork(name, registry);
    if (!links.has(alias)) links.set(alias, { alias, id: other.id, name: other.name });
  }
  return [...links.values()];
}

/** Behind `--network container:X` stands X. */
function withOwnNetwork(name: string, registry: ContainerRegistry): ContainerRecord {
  const record = registry.tryFind(name)?.record;
  if (!record) {
    throw new GantryError("invalid", "NO_SUCH_LINK", `could not get container for ${name}: No such container: ${name}`);
  }
  const mode = record.hostConfig.NetworkMode ?? BRIDGE;
  if (mode.startsWith("container:")) return withOwnNetwork(mode.slice("container:".length), registry);
  if (mode !== "host") return record;
  throw new GantryError(
    "invalid",
    "BAD_LINK",
    "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
  );
}

/** As inspect shows them: "/other:/parent/alias". */
export const shownLinks = (parent: ContainerRecord, registry: ContainerRegistry): string[] =>
  (parent.links ?? []).map(({ alias, id, name }) => {
    const current = registry.tryFind(id)?.record.name ?? name;
    return `/${current}:/${parent.name}/${alias}`;
  });

/** The names that links give to a container, "/parent/alias". */
export const linkNames = (child: ContainerRecord, registry: ContainerRegistry): string[] =>
  registry
    .all()
    .flatMap(({ record }) =>
      (record.links ?? []).filter(({ id }) => id === child.id).map(({ alias }) => `/${record.name}/${alias}`),
    );

export interface ResolvedLinks {
  hosts: HostsLine[];
  env: string[];
}

/**
 * What a container that starts learns of its links on the default bridge; on others they are names that its name server
 * knows. `networks`: what it is attached to. Throws conflict LINK_NOT_RUNNING and LINK_NOT_ON_BRIDGE in Docker's words.
 */
export function resolveLinks(
  parent: ContainerRecord,
  networks: Readonly<Record<string, EndpointSettings>>,
  registry: ContainerRegistry,
): ResolvedLinks {
  const result: ResolvedLinks = { hosts: [], env: [] };
  if (networks[BRIDGE]) {
    for (const link of parent.links ?? []) {
      const child = requireLinked(parent, link, registry);
      result.hosts.push(bridgeLine(child, link.alias));
      result.env.push(
        ...linkEnvironment({
          name: `/${parent.name}/${link.alias}`,
          address: addressOn(child, BRIDGE) ?? "",
          ports: Object.keys(child.config.ExposedPorts ?? {}),
          env: child.config.Env ?? [],
        }),
      );
    }
  }
  return result;
}

/** What links on the default bridge let a running container reach: the exposed ports of those it is linked to. */
function linkedFlows(parent: ContainerRecord, registry: ContainerRegistry): AllowedFlow[] {
  const from = addressOn(parent, BRIDGE);
  return (parent.links ?? []).flatMap(({ id }) => {
    const child = registry.tryFind(id)?.record;
    const to = child && addressOn(child, BRIDGE);
    if (!from || !child || !to) return [];
    return Object.keys(child.config.ExposedPorts ?? {}).flatMap((exposed) => {
      const [, port, protocol] = /^(\d+)\/(tcp|udp|sctp)$/.exec(exposed) ?? [];
      return port === undefined
        ? []
        : [{ from, to, protocol: protocol as AllowedFlow["protocol"], port: Number(port) }];
    });
  });
}

export function allowLinked(
  { networking, registry }: Pick<ContainerDeps, "networking" | "registry">,
  parent: ContainerRecord,
): void {
  networking.allow(parent.id, linkedFlows(parent, registry));
}

/** `docker rm --link`: takes a link away for good; a running container's /etc/hosts forgets it too. */
export function removeLink(
  deps: Pick<ContainerDeps, "registry" | "files" | "idMap" | "networking">,
  name: string,
): void {
  const [parentName = "", alias] = name.replace(/^\//, "").split("/");
  const entry = deps.registry.find(parentName);
  if (alias === undefined) {
    throw conflict("LINK_IS_NAME", "Conflict, cannot remove the default link name of the container");
  }
  const { links = [] } = entry.record;
  if (!links.some((link) => link.alias === alias)) {
    throw new GantryError("notFound", "NO_SUCH_CONTAINER", `No such container: ${name}`);
  }
  entry.record.links = links.filter((link) => link.alias !== alias);
  deps.registry.save(entry);
  if (!isUp(entry.record)) return;
  rewriteHosts(deps, entry.record, (text) => withoutHost(text, alias));
  allowLinked(deps, entry.record);
}

/** `child` has come up, perhaps with another address: running containers that are linked to it learn of it. */
export function tellLinked(
  deps: Pick<ContainerDeps, "registry" | "files" | "idMap" | "logger" | "networking">,
  child: ContainerRecord,
): void {
  for (const { record } of deps.registry.all()) {
    const lines = linesAbout(child, record);
    if (lines.length === 0) continue;
    try {
      rewriteHosts(deps, record, (text) => withHosts(text, lines));
      allowLinked(deps, record);
    } catch (error) {
      deps.logger.error("telling a container of one that it is linked to", {
        container: record.id,
        error: messageOf(error),
      });
    }
  }
}

function rewriteHosts(
  { files, idMap }: Pick<ContainerDeps, "files" | "idMap">,
  { id, hostConfig }: ContainerRecord,
  change: (text: string) => string,
): void {
  const before = files.readHosts(id);
  if (before !== undefined) files.write(id, { hosts: change(before) }, rootOf(idMapOf(hostConfig, idMap)));
}

/** The lines that tell a running container of `child`, which has just come up, perhaps with another address. */
function linesAbout(child: ContainerRecord, parent: ContainerRecord): HostsLine[] {
  if (!isUp(parent)) return [];
  return (parent.links ?? [])
    .filter(({ id }) => id === child.id && addressOn(child, BRIDGE))
    .map(({ alias }) => bridgeLine(child, alias));
}

function requireLinked(parent: ContainerRecord, link: ContainerLink, registry: ContainerRegistry): ContainerRecord {
  const child = registry.tryFind(link.id)?.record;
  if (child && !Object.hasOwn(child.networking, BRIDGE)) {
    throw conflict(
      "LINK_NOT_ON_BRIDGE",
      `Cannot link to /${child.name}, as it does not belong to the default network`,
      `put both on one network of your own, where names are enough: gantry network create NAME`,
    );
  }
  if (child && isUp(child) && addressOn(child, BRIDGE)) return child;
  const name = child?.name ?? link.name;
  throw conflict(
    "LINK_NOT_RUNNING",
    `Cannot link to a non running container: /${name} AS /${parent.name}/${link.alias}`,
    child
      ? `start it first: gantry start ${name}`
      : `take the link away: gantry rm --link ${parent.name}/${link.alias}`,
  );
}

const addressOn = (record: ContainerRecord, network: string): string | undefined =>
  record.attachment?.networks[network]?.IPAddress || undefined;

const bridgeLine = (child: ContainerRecord, alias: string): HostsLine => ({
  address: addressOn(child, BRIDGE) ?? "",
  names: [alias, child.config.Hostname ?? "", ...(alias === child.name ? [] : [child.name])].filter(
    (name) => name !== "",
  ),
});
