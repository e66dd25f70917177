import fs from "node:fs";
import { familyOf, formatAddress } from "../../base/ip-address.ts";
import type { PortClaim, PortHolder } from "../../ports/port-reservations.ts";

const TCP_LISTEN = 0x0a;
const TCP_CLOSE = 0x07;

/** A line of /proc/net/tcp and its like, as far as it matters here. */
export interface SocketLine {
  /** "" for the unspecified address; IPv4 where IPv6 maps it. */
  address: string;
  port: number;
  state: number;
  inode: number;
}

/** `text`: /proc/net/{tcp,udp,tcp6,udp6}. */
export function parseSocketTable(text: string): SocketLine[] {
  return text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const [hex = "", port = ""] = (fields[1] ?? "").split(":");
      if (port === "") return [];
      return [
        {
          address: addressOf(hex),
          port: Number.parseInt(port, 16),
          state: Number.parseInt(fields[3] ?? "0", 16),
          inode: Number(fields[9] ?? 0),
        },
      ];
    });
}

function addressOf(hex: string): string {
  if (/^0+$/.test(hex)) return "";
  // words in the machine's order
  const bytes = Buffer.from(hex, "hex");
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  const text = formatAddress({ family: bytes.length === 4 ? 4 : 6, value: BigInt(`0x${bytes.toString("hex")}`) });
  return text.replace(/^::ffff:(?=.*\.)/, "");
}

const isAny = (address: string): boolean => address === "0.0.0.0" || address === "::";

/** Which process has the port; only sockets that can hold one against others count. */
export function findHolder(claim: PortClaim): PortHolder | undefined {
  if (claim.protocol === "sctp") return undefined;
  const inodes = new Set<string>();
  const six = `/proc/net/${claim.protocol}6`;
  for (const file of familyOf(claim.address) === 6 ? [six] : [`/proc/net/${claim.protocol}`, six]) {
    for (const line of parseSocketTable(readOr(file))) {
      const holds = claim.protocol === "udp" || line.state === TCP_LISTEN || line.state === TCP_CLOSE;
      const overlaps = line.address === "" || isAny(claim.address) || line.address === claim.address;
      if (line.port === claim.port && line.inode !== 0 && holds && overlaps) inodes.add(`socket:[${line.inode}]`);
    }
  }
  return inodes.size === 0 ? undefined : processWith(inodes);
}

function processWith(sockets: Set<string>): PortHolder | undefined {
  for (const pid of fs.readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    let fds: string[];
    try {
      fds = fs.readdirSync(`/proc/${pid}/fd`);
    } catch {
      continue; // it has ended meanwhile
    }
    for (const fd of fds) {
      let target = "";
      try {
        target = fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        continue;
      }
      if (sockets.has(target)) return { pid: Number(pid), command: readOr(`/proc/${pid}/comm`).trim() };
    }
  }
  return undefined;
}

function readOr(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
