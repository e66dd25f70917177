import type { SublinkKind } from "../../ports/sublinks.ts";
import type { Attribute } from "./message.ts";
import { IFLA, INFO, linkHeader, macBytes, NLM_F_CREATE, NLM_F_EXCL, RTM } from "./requests.ts";
import type { Request } from "./socket.ts";

/** <linux/if_link.h> */
const IFLA_MACVLAN_MODE = 1;
const MACVLAN_MODE = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
const IFLA_IPVLAN = { MODE: 1, FLAGS: 2 } as const;
const IPVLAN_MODE = { l2: 0, l3: 1, l3s: 2 } as const;
const IPVLAN_FLAG = { bridge: 0, private: 1, vepa: 2 } as const;
const IFLA_VLAN_ID = 1;
const VETH_INFO_PEER = 1;

const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};

const newLink = (about: string, attributes: Attribute[]): Request => ({
  about,
  type: RTM.NEWLINK,
  flags: NLM_F_CREATE | NLM_F_EXCL,
  body: linkHeader(),
  attributes,
});

const infoData = (type: SublinkKind): Attribute[] =>
  type.kind === "macvlan"
    ? [[IFLA_MACVLAN_MODE, MACVLAN_MODE[type.mode]]]
    : [
        [IFLA_IPVLAN.MODE, u16(IPVLAN_MODE[type.mode])],
        [IFLA_IPVLAN.FLAGS, u16(IPVLAN_FLAG[type.flag])],
      ];

export interface NewSublink {
  /** Index of the parent, in the namespace of the socket. */
  parent: number;
  /** Open descriptor of the namespace that the link is made in. */
  netnsFd: number;
  name: string;
  /** None: the kernel's choice; an ipvlan link always has its parent's. */
  mac?: string;
  /** None: the parent's. */
  mtu?: number;
  type: SublinkKind;
}

export const addSublink = ({ parent, netnsFd, name, mac, mtu, type }: NewSublink): Request =>
  newLink(`add ${type.kind} ${name}`, [
    ...(mac === undefined ? [] : [[IFLA.ADDRESS, macBytes(mac)] as Attribute]),
    ...(mtu === undefined ? [] : [[IFLA.MTU, mtu] as Attribute]),
    [IFLA.NET_NS_FD, netnsFd],
    [IFLA.LINK, parent],
    [IFLA.IFNAME, name],
    [
      IFLA.LINKINFO,
      [
        [INFO.KIND, Buffer.from(type.kind)],
        [INFO.DATA, infoData(type)],
      ],
    ],
  ]);

/** A link of the kind without the parent that each needs: refused by the kernel as unknown, or else as incomplete. */
export const probeKind = (kind: string): Request =>
  newLink(`probe ${kind}`, [
    [IFLA.IFNAME, "gantry-probe"],
    [IFLA.LINKINFO, [[INFO.KIND, Buffer.from(kind)]]],
  ]);

export const addVlan = (name: string, parent: number, id: number): Request =>
  newLink(`add vlan ${name}`, [
    [IFLA.LINK, parent],
    [IFLA.IFNAME, name],
    [
      IFLA.LINKINFO,
      [
        [INFO.KIND, Buffer.from("vlan")],
        [INFO.DATA, [[IFLA_VLAN_ID, u16(id)]]],
      ],
    ],
  ]);

export const addDummy = (name: string): Request =>
  newLink(`add dummy ${name}`, [
    [IFLA.IFNAME, name],
    [IFLA.LINKINFO, [[INFO.KIND, Buffer.from("dummy")]]],
  ]);

/** A cable with both ends on the host. */
export const addLooseVeth = (name: string, peer: string): Request =>
  newLink(`add veth ${name}`, [
    [IFLA.IFNAME, name],
    [
      IFLA.LINKINFO,
      [
        [INFO.KIND, Buffer.from("veth")],
        [INFO.DATA, [[VETH_INFO_PEER, { head: linkHeader(), attributes: [[IFLA.IFNAME, peer]] }]]],
      ],
    ],
  ]);
