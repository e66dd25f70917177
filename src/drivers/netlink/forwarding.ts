import fs from "node:fs";
import { writeSysctl } from "./settings.ts";

const isOne = (name: string): boolean => fs.readFileSync(`/proc/sys/net/${name}`, "utf8").trim() === "1";

export function enableForwarding(): void {
  if (!isOne("ipv4/ip_forward")) writeSysctl("ipv4/ip_forward", "1");
}

/**
 * A host that forwards IPv6 takes no more routes from router advertisements, and would lose its own way out; links that
 * took them go on to, as do those that come later (2: in spite of forwarding).
 */
export function enableForwarding6(): void {
  if (isOne("ipv6/conf/all/forwarding")) return;
  for (const link of fs.readdirSync("/proc/sys/net/ipv6/conf")) {
    const name = `ipv6/conf/${link}/accept_ra`;
    if (link !== "all" && isOne(name)) writeSysctl(name, "2");
  }
  writeSysctl("ipv6/conf/all/forwarding", "1");
}
