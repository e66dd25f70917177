export interface Resolv {
  nameservers: string[];
  search: string[];
  options: string[];
}

/** Used when the host names no server that a container can reach, as Docker does. */
const PUBLIC_SERVERS = ["8.8.8.8", "8.8.4.4"];

/** Reads resolv.conf; the last `search` line counts. */
export function parseResolvConf(text: string): Resolv {
  const result: Resolv = { nameservers: [], search: [], options: [] };
  for (const line of text.split("\n")) {
    const [word, ...values] = line
      .replace(/[#;].*$/, "")
      .trim()
      .split(/\s+/);
    if (word === "nameserver" && values[0] !== undefined) result.nameservers.push(values[0]);
    else if (word === "search" || word === "domain") result.search = values;
    else if (word === "options") result.options.push(...values);
  }
  return result;
}

/** What a container in a namespace of its own can use: no loopback servers, and IPv4 ones only since it has no IPv6. */
export function containerResolv(host: Resolv): Resolv {
  const reachable = host.nameservers.filter(
    (server) => /^\d+\.\d+\.\d+\.\d+$/.test(server) && !server.startsWith("127."),
  );
  return { ...host, nameservers: reachable.length > 0 ? reachable : PUBLIC_SERVERS };
}
