import type { Attribute } from "./message.ts";
import type { Request } from "./socket.ts";

/** <linux/rtnetlink.h> */
export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
};
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

/** <linux/if_link.h> */
export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  PROTINFO: 12,
  LINKINFO: 18,
  IFALIAS: 20,
  AF_SPEC: 26,
  NET_NS_FD: 28,
};
export const INFO = { KIND: 1, DATA: 2 } as const;
const VETH_INFO_PEER = 1;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;
const IFLA_BRPORT_MODE = 4;
const AF_INET6 = 10;
const AF_BRIDGE = 7;
const IFF_UP = 1;

/** <linux/neighbour.h> */
const NDA_LLADDR = 2;
const NUD_NOARP = 0x40;
const NTF_MASTER = 0x04;
const NTF_STICKY = 0x40;

/** struct ifinfomsg */
export function linkHeader(index = 0, flags = 0, change = 0): Buffer {
  const body = Buffer.alloc(16);
  body.writeInt32LE(index, 4);
  body.writeUInt32LE(flags, 8);
  body.writeUInt32LE(change, 12);
  return body;
}

export const macBytes = (mac: string): Buffer => Buffer.from(mac.split(":").map((part) => Number.parseInt(part, 16)));

/** No link-local IPv6 address when the link comes up: bridge ports and IPv4-only bridges need none. */
export const withoutLinkLocal = (name: string): Request => ({
  about: `no link-local address on ${name}`,
  type: RTM.NEWLINK,
  flags: 0,
  body: linkHeader(),
  attributes: [
    [IFLA.IFNAME, name],
    [IFLA.AF_SPEC, [[AF_INET6, [[IFLA_INET6_ADDR_GEN_MODE, Buffer.from([IN6_ADDR_GEN_MODE_NONE])]]]]],
  ],
  // a kernel without IPv6, or with it disabled, makes no such address anyway
  ignore: ["EAFNOSUPPORT"],
});

export const addBridge = (name: string, mac: string, mtu?: number): Request => ({
  about: `add bridge ${name}`,
  type: RTM.NEWLINK,
  flags: NLM_F_CREATE | NLM_F_EXCL,
  body: linkHeader(),
  attributes: [
    [IFLA.IFNAME, name],
    [IFLA.ADDRESS, macBytes(mac)],
    ...(mtu ? [[IFLA.MTU, mtu] as Attribute] : []),
    [IFLA.LINKINFO, [[INFO.KIND, "bridge"]]],
  ],
});

export interface VethPair {
  hostName: string;
  /** Open descriptor of the namespace that the other end is made in. */
  netnsFd: number;
  name: string;
  mac: string;
  mtu?: number;
}

export const addVethPair = (pair: VethPair): Request => {
  const mtu: Attribute[] = pair.mtu ? [[IFLA.MTU, pair.mtu]] : [];
  return {
    about: `add veth ${pair.hostName}`,
    type: RTM.NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: linkHeader(),
    attributes: [
      [IFLA.IFNAME, pair.hostName],
      ...mtu,
      [
        IFLA.LINKINFO,
        [
          [INFO.KIND, "veth"],
          [
            INFO.DATA,
            [
              [
                VETH_INFO_PEER,
                {
                  head: linkHeader(),
                  attributes: [
                    [IFLA.IFNAME, pair.name],
                    [IFLA.ADDRESS, macBytes(pair.mac)],
                    ...mtu,
                    [IFLA.NET_NS_FD, pair.netnsFd],
                  ],
                },
              ],
            ],
          ],
        ],
      ],
    ],
  };
};

/** Changes an existing link, by name or by index. */
export function setLink(
  target: string | number,
  change: { up?: boolean; master?: number; mtu?: number; name?: string; mac?: string },
): Request {
  const attributes: Attribute[] = [];
  if (typeof target === "string") attributes.push([IFLA.IFNAME, target]);
  else if (change.name !== undefined) attributes.push([IFLA.IFNAME, change.name]);
  if (change.master !== undefined) attributes.push([IFLA.MASTER, change.master]);
  if (change.mtu !== undefined) attributes.push([IFLA.MTU, change.mtu]);
  if (change.mac !== undefined) attributes.push([IFLA.ADDRESS, macBytes(change.mac)]);
  return {
    about: `set link ${target}`,
    type: RTM.NEWLINK,
    flags: 0,
    body: linkHeader(
      typeof target === "number" ? target : 0,
      change.up ? IFF_UP : 0,
      change.up === undefined ? 0 : IFF_UP,
    ),
    attributes,
  };
}

/** A free text on a link, which `ip link` shows. */
export const labelLink = (name: string, label: string): Request => ({
  about: `label link ${name}`,
  type: RTM.NEWLINK,
  flags: 0,
  body: linkHeader(),
  attributes: [
    [IFLA.IFNAME, name],
    [IFLA.IFALIAS, label],
  ],
});

/** By name or by index. */
export const deleteLink = (target: string | number): Request => ({
  about: `delete link ${target}`,
  type: RTM.DELLINK,
  flags: 0,
  body: linkHeader(typeof target === "number" ? target : 0),
  attributes: typeof target === "number" ? [] : [[IFLA.IFNAME, target]],
  ignore: ["ENODEV"],
});

/** Lets a port get back what came from it: a container that reaches itself through a published port. */
export const hairpin = (portIndex: number): Request => {
  const body = linkHeader(portIndex);
  body[0] = AF_BRIDGE;
  return {
    about: `hairpin of link ${portIndex}`,
    type: RTM.SETLINK,
    flags: 0,
    body,
    attributes: [[IFLA.PROTINFO, [[IFLA_BRPORT_MODE, Buffer.from([1])]]]],
  };
};

/**
 * Ties a MAC to a bridge port: frames for it go there at once, also when a port of the same MAC is just dying, and no
 * other port can claim it.
 */
export const pinMac = (portIndex: number, mac: string): Request => {
  const body = Buffer.alloc(12);
  body[0] = AF_BRIDGE;
  body.writeInt32LE(portIndex, 4);
  body.writeUInt16LE(NUD_NOARP, 8);
  body[10] = NTF_MASTER | NTF_STICKY;
  return {
    about: `pin ${mac}`,
    type: RTM.NEWNEIGH,
    flags: NLM_F_CREATE | NLM_F_REPLACE,
    body,
    attributes: [[NDA_LLADDR, macBytes(mac)]],
  };
};
