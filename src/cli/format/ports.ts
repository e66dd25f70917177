import type { PortBinding } from "../../base/container-config.ts";
import { naturally } from "./words.ts";

/** "0.0.0.0:8080", "[::]:8080" */
export const hostAddress = ({ HostIp = "", HostPort = "" }: PortBinding): string =>
  HostIp.includes(":") ? `[${HostIp}]:${HostPort}` : `${HostIp}:${HostPort}`;

/** "80/tcp -> 0.0.0.0:8080", a line each. */
export const portLines = (ports: Record<string, PortBinding[] | null>): string =>
  Object.entries(ports)
    .flatMap(([port, bindings]) => (bindings ?? []).map((binding) => `${port} -> ${hostAddress(binding)}\n`))
    .toSorted(naturally)
    .join("");
