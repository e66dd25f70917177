import type { HostConfig } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import type { Attachment } from "../networks/contract.ts";

const LOOPBACK = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

/** /etc/hosts: loopback, `--add-host` (host-gateway is the bridge's own address), then the container itself. */
export function renderHosts(attachment: Attachment, hostConfig: HostConfig): string {
  const gateway = Object.values(attachment.networks).find((endpoint) => endpoint.Gateway)?.Gateway;
  const extra = (hostConfig.ExtraHosts ?? []).map((entry) => {
    const at = entry.search(/[:=]/);
    const name = at < 0 ? entry : entry.slice(0, at);
    const address = at < 0 ? "" : entry.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
    if (name === "" || address === "" || /\s/.test(entry)) {
      throw new GantryError("invalid", "BAD_EXTRA_HOST", `invalid extra host: '${entry}': name:address is expected`);
    }
    if (address !== "host-gateway") return `${address}\t${name}`;
    if (!gateway) {
      throw new GantryError("invalid", "NO_HOST_GATEWAY", "unable to derive the IP value for host-gateway", {
        hint: "the container has no bridge network",
      });
    }
    return `${gateway}\t${name}`;
  });
  const own = attachment.hosts.map(({ address, names }) => `${address}\t${names.join(" ")}`);
  return `${[...LOOPBACK, ...extra, ...own].join("\n")}\n`;
}

/** /etc/resolv.conf: the user's `--dns*` in place of what the network proposes. */
export function renderResolvConf(attachment: Attachment, hostConfig: HostConfig): string {
  const nameservers = nonEmpty(hostConfig.Dns) ?? attachment.resolv.nameservers;
  const search = nonEmpty(hostConfig.DnsSearch) ?? attachment.resolv.search;
  const options = nonEmpty(hostConfig.DnsOptions) ?? attachment.resolv.options;
  const lines = nameservers.map((address) => `nameserver ${address}`);
  if (search.length > 0 && search.join("") !== ".") lines.push(`search ${search.join(" ")}`);
  if (options.length > 0) lines.push(`options ${options.join(" ")}`);
  return `${lines.join("\n")}\n`;
}

const nonEmpty = (values: string[] | null | undefined): string[] | undefined =>
  values && values.length > 0 ? values : undefined;
