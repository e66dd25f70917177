import { parseAddress } from "../../src/base/ip-address.ts";
import type { Host } from "./world.ts";

/** Ethernet frames as hex, to be sent as they are. */

const SEND = `
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("eth0", 0))
for frame in sys.argv[1:]: s.send(bytes.fromhex(frame))`;

/** From eth0 of the namespace. */
export const sendFrames = (host: Host, ...frames: string[]): string =>
  host.ok("/usr/bin/python3", "-c", SEND, ...frames);

export const BROADCAST = "ff:ff:ff:ff:ff:ff";

const macHex = (mac: string): string => mac.replaceAll(":", "");
const hex = (address: string): string => {
  const { family, value } = parseAddress(address) ?? { family: 4, value: 0n };
  return value.toString(16).padStart(family === 4 ? 8 : 32, "0");
};

interface Ends {
  fromMac: string;
  toMac: string;
  from: string;
  to: string;
}

/** An ARP answer that nobody asked for: `from` is at `fromMac`. */
export const arpAnswer = ({ fromMac, toMac, from, to }: Ends): string =>
  `${macHex(toMac)}${macHex(fromMac)}08060001080006040002${macHex(fromMac)}${hex(from)}${macHex(toMac)}${hex(to)}`;

/** An empty UDP datagram over IPv4. */
export function datagram({ fromMac, toMac, from, to }: Ends, port: number): string {
  const header = `4500001c0000000040110000${hex(from)}${hex(to)}`;
  const number = port.toString(16).padStart(4, "0");
  return `${macHex(toMac)}${macHex(fromMac)}0800${header.slice(0, 20)}${sum(header)}${header.slice(24)}${number}${number}00080000`;
}

/** An ICMPv6 message; `body` follows its checksum. */
function icmp6({ fromMac, toMac, from, to }: Ends, type: number, body: string): string {
  const head = `${type.toString(16)}00`;
  const length = (4 + body.length / 2).toString(16).padStart(4, "0");
  const checked = `${hex(from)}${hex(to)}0000${length}0000003a${head}0000${body}`;
  return `${macHex(toMac)}${macHex(fromMac)}86dd60000000${length}3aff${hex(from)}${hex(to)}${head}${sum(checked)}${body}`;
}

/** "I am a router, for half an hour", to all. */
export const routerAdvertisement = (fromMac: string, from: string): string =>
  icmp6({ fromMac, from, toMac: "33:33:00:00:00:01", to: "ff02::1" }, 134, "400007080000000000000000");

/** "`target` is at my MAC, whatever you heard." */
export const neighbourAdvertisement = (ends: Ends, target: string): string =>
  icmp6(ends, 136, `20000000${hex(target)}0201${macHex(ends.fromMac)}`);

/** The sum of the internet's headers, over one with zeros in its place. */
function sum(header: string): string {
  let total = (header.match(/..../g) ?? []).reduce((so, word) => so + Number.parseInt(word, 16), 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return (~total & 0xffff).toString(16).padStart(4, "0");
}
