import type { HostConfig } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import { rootOf } from "../../base/id-map.ts";
import type { Attachment } from "../networks/contract.ts";
import { type DnsWish, renderResolvConf, type Resolv } from "../networks/resolv.ts";
import type { ContainerDeps } from "./deps.ts";
import { idMapOf } from "./user-namespace.ts";

export interface HostsLine {
  address: string;
  names: string[];
}

const LOOPBACK = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

const lineText = ({ address, names }: HostsLine): string => `${address}\t${names.join(" ")}`;

/**
 * /etc/hosts: loopback, `--add-host`, linked containers, then the container itself. `gateway`: the host's address for
 * `host-gateway`.
 */
export function renderHosts(
  attachment: Attachment,
  hostConfig: HostConfig,
  { gateway, linked = [] }: { gateway: string | undefined; linked?: HostsLine[] },
): string {
  const extra = (hostConfig.ExtraHosts ?? []).map((entry) => {
    const { name, address } = readExtraHost(entry);
    if (address !== "host-gateway") return `${address}\t${name}`;
    if (!gateway) {
      throw new GantryError("invalid", "NO_HOST_GATEWAY", "unable to derive the IP value for host-gateway", {
        hint: "start gantryd with --host-gateway-ip ADDRESS",
      });
    }
    return `${gateway}\t${name}`;
  });
  return `${[...LOOPBACK, ...extra, ...linked.map(lineText), ...attachment.hosts.map(lineText)].join("\n")}\n`;
}

/** `name:address` or `name=address`. Throws invalid BAD_EXTRA_HOST. */
export function readExtraHost(entry: string): { name: string; address: string } {
  const at = entry.search(/[:=]/);
  const name = at < 0 ? entry : entry.slice(0, at);
  const address = at < 0 ? "" : entry.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
  if (name === "" || address === "" || /\s/.test(entry)) {
    throw new GantryError("invalid", "BAD_EXTRA_HOST", `bad format for add-host: "${entry}"`);
  }
  return { name, address };
}

/** The text with `lines` in it: a line with the same first name gets the new address and names, a new one goes last. */
export function withHosts(text: string, lines: readonly HostsLine[]): string {
  const result = text.split("\n").filter((line, index, all) => line !== "" || index < all.length - 1);
  for (const line of lines) {
    const at = result.findIndex((known) => firstName(known) === line.names[0]);
    if (at < 0) result.push(lineText(line));
    else result[at] = lineText(line);
  }
  return `${result.join("\n")}\n`;
}

/** The text without the lines whose first name is `name`. */
export const withoutHost = (text: string, name: string): string =>
  text
    .split("\n")
    .filter((line) => firstName(line) !== name)
    .join("\n");

const firstName = (line: string): string | undefined => line.split("\t")[1]?.split(" ")[0];

export const dnsWish = ({ Dns, DnsSearch, DnsOptions }: HostConfig): DnsWish => ({
  servers: Dns ?? [],
  search: DnsSearch ?? [],
  options: DnsOptions ?? [],
});

/**
 * A running container is on its first network where names are answered: its resolv.conf follows, unless the container has
 * changed it. The record isn't saved.
 */
export function replaceResolvConf(
  { registry, files, idMap }: Pick<ContainerDeps, "registry" | "files" | "idMap">,
  id: string,
  resolv: Resolv,
): void {
  const { record } = registry.find(id);
  if (!record.attachment) return;
  const before = renderResolvConf(record.attachment.resolv);
  record.attachment = { ...record.attachment, resolv };
  if (files.readResolvConf(id) !== before) return;
  files.write(id, { resolvConf: renderResolvConf(resolv) }, rootOf(idMapOf(record.hostConfig, idMap)));
}
