import type { EndpointSettings } from "../../base/container-config.ts";
import type { CreateOptions } from "./flags.ts";
import { csvFields, pairOf } from "./key-values.ts";

interface Wanted {
  name: string;
  aliases: string[];
  driverOptions: Record<string, string>;
  ip?: string;
  ip6?: string;
  linkLocal: string[];
  mac?: string;
  gatewayPriority?: number;
}

const isUserDefined = (name: string): boolean =>
  !["", "default", "bridge", "host", "none"].includes(name) && !name.startsWith("container:");

/** `--network web` or `--network name=web,alias=db,ip=10.0.0.9`. */
function wantedOf(text: string): Wanted {
  const wanted: Wanted = { name: "", aliases: [], driverOptions: {}, linkLocal: [] };
  if (!/^\w+=\w.*$/.test(text)) return { ...wanted, name: text };
  for (const field of csvFields(text)) {
    const [key, value] = pairOf(field);
    if (!field.includes("=")) throw new Error(`invalid field ${field}`);
    if (key === "name") wanted.name = value;
    else if (key === "alias") wanted.aliases.push(value);
    else if (key === "ip") wanted.ip = value;
    else if (key === "ip6") wanted.ip6 = value;
    else if (key === "mac-address") wanted.mac = value;
    else if (key === "link-local-ip") wanted.linkLocal.push(value);
    else if (key === "gw-priority") {
      if (!/^-?\d+$/.test(value)) throw new Error(`invalid gw-priority (${value}): invalid syntax`);
      wanted.gatewayPriority = Number(value);
    } else if (key === "driver-opt") wanted.driverOptions[pairOf(value)[0]] = pairOf(value)[1];
    else throw new Error(`invalid field key ${key}`);
  }
  if (wanted.name === "") throw new Error("network name/id is not specified");
  return wanted;
}

/** HostConfig.NetworkMode and the endpoints of the networks; --ip, --network-alias … belong to the first. */
export function networksOf(options: CreateOptions): { mode: string; endpoints: Record<string, EndpointSettings> } {
  const wanted = [...options.network, ...options.net].map(wantedOf);
  const first = wanted[0] ?? { name: "default", aliases: [], driverOptions: {}, linkLocal: [] };
  const aliases = [...options["network-alias"], ...options["net-alias"]];
  const clash = (flag: string): Error =>
    new Error(`conflicting options: cannot specify both --${flag} and per-network ${flag}`);
  if (aliases.length > 0) {
    if (first.aliases.length > 0) throw clash("network-alias");
    first.aliases = aliases;
  }
  if (options.ip !== undefined) {
    if (first.ip !== undefined) throw clash("ip");
    first.ip = options.ip;
  }
  if (options.ip6 !== undefined) {
    if (first.ip6 !== undefined) throw clash("ip6");
    first.ip6 = options.ip6;
  }
  if (options["mac-address"] !== undefined) first.mac ??= options["mac-address"];
  if (options["link-local-ip"].length > 0) first.linkLocal = options["link-local-ip"];
  const endpoints: Record<string, EndpointSettings> = {};
  for (const network of wanted.length === 0 ? [first] : wanted) {
    if (endpoints[network.name] !== undefined) {
      throw new Error(`network ${JSON.stringify(network.name)} is specified multiple times`);
    }
    const modeless = network.name === "host" || network.name === "none" || network.name.startsWith("container:");
    if (wanted.length > 1 && modeless) {
      throw new Error("conflicting options: cannot attach both user-defined and non-user-defined network-modes");
    }
    endpoints[network.name] = endpointOf(network, network === first ? options.link : []);
  }
  return { mode: first.name, endpoints };
}

function endpointOf(wanted: Wanted, links: string[]): EndpointSettings {
  if (wanted.aliases.length > 0 && !isUserDefined(wanted.name)) {
    throw new Error("network-scoped aliases are only supported for user-defined networks");
  }
  const endpoint: EndpointSettings = {};
  if (wanted.aliases.length > 0) endpoint.Aliases = wanted.aliases;
  if (isUserDefined(wanted.name) && links.length > 0) endpoint.Links = links;
  if (Object.keys(wanted.driverOptions).length > 0) endpoint.DriverOpts = wanted.driverOptions;
  if (wanted.mac !== undefined) endpoint.MacAddress = wanted.mac;
  if (wanted.gatewayPriority !== undefined) endpoint.GwPriority = wanted.gatewayPriority;
  if (wanted.ip !== undefined || wanted.ip6 !== undefined || wanted.linkLocal.length > 0) {
    endpoint.IPAMConfig = {
      ...(wanted.ip !== undefined && { IPv4Address: wanted.ip }),
      ...(wanted.ip6 !== undefined && { IPv6Address: wanted.ip6 }),
      ...(wanted.linkLocal.length > 0 && { LinkLocalIPs: wanted.linkLocal }),
    };
  }
  return endpoint;
}
