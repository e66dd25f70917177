import type { NetworkState } from "../../ports/links.ts";
import { decodeAttributes, textOf } from "./message.ts";
import { IFA, IFLA, INFO, linkHeader, RTA, RTM } from "./requests.ts";
import type { NetlinkSocket } from "./socket.ts";

const IFF_UP = 1;
const AF_INET = 2;
const TABLE_MAIN = 254;

export interface LinkFact {
  index: number;
  name: string;
  /** bridge, veth, … or "" for plain devices. */
  kind: string;
  up: boolean;
  mtu: number;
  /** Index of the bridge or bond above it; 0: none. */
  master: number;
  /** Free text, "" for none. */
  label: string;
  /** Index of a cable's other end, in its own namespace; 0: none. */
  peer: number;
  /** "" for links without. */
  mac: string;
}

export interface AddressFact {
  link: number;
  address: string;
  prefix: number;
}

export interface RouteFact {
  /** "" for the default route. */
  destination: string;
  prefix: number;
  gateway: string;
  /** Index of the outgoing link; 0: several or none. */
  link: number;
}

const dotted = (bytes: Buffer | undefined): string => (bytes ? [...bytes.subarray(0, 4)].join(".") : "");

export function readLinks(socket: NetlinkSocket): LinkFact[] {
  return socket.dump(RTM.GETLINK, linkHeader()).map(({ body }) => {
    const attributes = decodeAttributes(body.subarray(16));
    const info = attributes.get(IFLA.LINKINFO);
    return {
      index: body.readInt32LE(4),
      up: (body.readUInt32LE(8) & IFF_UP) !== 0,
      name: textOf(attributes.get(IFLA.IFNAME)),
      kind: info ? textOf(decodeAttributes(info).get(INFO.KIND)) : "",
      mtu: attributes.get(IFLA.MTU)?.readUInt32LE(0) ?? 0,
      master: attributes.get(IFLA.MASTER)?.readUInt32LE(0) ?? 0,
      label: textOf(attributes.get(IFLA.IFALIAS)),
      peer: attributes.get(IFLA.LINK)?.readUInt32LE(0) ?? 0,
      mac: (attributes.get(IFLA.ADDRESS)?.toString("hex").match(/../g) ?? []).join(":"),
    };
  });
}

export function readAddresses(socket: NetlinkSocket): AddressFact[] {
  const header = Buffer.alloc(8);
  header[0] = AF_INET;
  return socket.dump(RTM.GETADDR, header).map(({ body }) => {
    const attributes = decodeAttributes(body.subarray(8));
    return {
      link: body.readInt32LE(4),
      prefix: body[1] ?? 32,
      address: dotted(attributes.get(IFA.LOCAL) ?? attributes.get(IFA.ADDRESS)),
    };
  });
}

/** The IPv4 routes of the main table. */
export function readRoutes(socket: NetlinkSocket): RouteFact[] {
  const header = Buffer.alloc(12);
  header[0] = AF_INET;
  return socket.dump(RTM.GETROUTE, header).flatMap(({ body }) => {
    if (body[0] !== AF_INET || body[4] !== TABLE_MAIN) return [];
    const attributes = decodeAttributes(body.subarray(12));
    return [
      {
        destination: dotted(attributes.get(RTA.DST)),
        prefix: body[1] ?? 0,
        gateway: dotted(attributes.get(RTA.GATEWAY)),
        link: attributes.get(RTA.OIF)?.readUInt32LE(0) ?? 0,
      },
    ];
  });
}

export function readState(socket: NetlinkSocket): NetworkState {
  const links = readLinks(socket);
  const addresses = readAddresses(socket);
  return {
    links: links.map((link) => ({
      ...link,
      addresses: addresses.filter((row) => row.link === link.index).map((row) => `${row.address}/${row.prefix}`),
    })),
    routes: readRoutes(socket).map((route) => ({
      to: route.destination === "" ? "default" : `${route.destination}/${route.prefix}`,
      via: route.gateway,
      link: links.find((link) => link.index === route.link)?.name ?? "",
    })),
  };
}
