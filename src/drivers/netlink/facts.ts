import { formatAddress, type IpFamily } from "../../base/ip-address.ts";
import type { NetworkState } from "../../ports/links.ts";
import { decodeAttributes, textOf } from "./message.ts";
import { AF, IFA, RTA } from "./ip-requests.ts";
import { IFLA, INFO, linkHeader, RTM } from "./requests.ts";
import type { NetlinkSocket } from "./socket.ts";

const IFF_UP = 1;
const TABLE_MAIN = 254;
/** A route that the kernel keeps for itself. */
const RTM_F_CLONED = 0x200;

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
  /** Of either family, "10.0.0.1/24". */
  cidr: string;
}

export interface RouteFact {
  family: IpFamily;
  /** Of either family, "10.0.0.0/24"; "default". */
  to: string;
  /** "" where the other side is on the link. */
  gateway: string;
  /** Index of the outgoing link; 0: several or none. */
  link: number;
}

const familyOf = (code: number | undefined): IpFamily | undefined =>
  code === AF[4] ? 4 : code === AF[6] ? 6 : undefined;

const textOfIp = (family: IpFamily, bytes: Buffer | undefined): string =>
  bytes ? formatAddress({ family, value: BigInt(`0x${bytes.toString("hex")}`) }) : "";

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
  return socket.dump(RTM.GETADDR, Buffer.alloc(8)).flatMap(({ body }) => {
    const family = familyOf(body[0]);
    if (family === undefined) return [];
    const attributes = decodeAttributes(body.subarray(8));
    const address = textOfIp(family, attributes.get(IFA.LOCAL) ?? attributes.get(IFA.ADDRESS));
    return [{ link: body.readInt32LE(4), cidr: `${address}/${body[1]}` }];
  });
}

/** The routes of the main table. */
export function readRoutes(socket: NetlinkSocket): RouteFact[] {
  return socket.dump(RTM.GETROUTE, Buffer.alloc(12)).flatMap(({ body }) => {
    const family = familyOf(body[0]);
    if (family === undefined || body[4] !== TABLE_MAIN || (body.readUInt32LE(8) & RTM_F_CLONED) !== 0) return [];
    const attributes = decodeAttributes(body.subarray(12));
    const destination = attributes.get(RTA.DST);
    return [
      {
        family,
        to: destination ? `${textOfIp(family, destination)}/${body[1]}` : "default",
        gateway: textOfIp(family, attributes.get(RTA.GATEWAY)),
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
      addresses: addresses.filter((row) => row.link === link.index).map(({ cidr }) => cidr),
    })),
    routes: readRoutes(socket).map((route) => ({
      to: route.to,
      via: route.gateway,
      link: links.find((link) => link.index === route.link)?.name ?? "",
    })),
  };
}
