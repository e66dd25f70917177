import { errnoOf } from "../../base/errors.ts";
import type { Attribute } from "../netlink/message.ts";
import { addressBytes, mustParseAddress } from "../../base/ip-address.ts";
import { NETLINK, NetlinkSocket, type Request } from "../netlink/socket.ts";

/** <linux/netfilter/nfnetlink.h>, nf_tables.h; numbers in attributes are big-endian. */
const NFTABLES = 10;
const BATCH = { BEGIN: 0x10, END: 0x11 } as const;
const MSG = { NEWTABLE: 0, DELTABLE: 2, NEWCHAIN: 3, GETCHAIN: 4, NEWRULE: 6 } as const;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
const AF_INET = 2;
const TABLE = { NAME: 1 } as const;
const CHAIN = { TABLE: 1, NAME: 3, HOOK: 4, TYPE: 7 } as const;
const HOOK = { NUMBER: 1, PRIORITY: 2 } as const;
const RULE = { TABLE: 1, CHAIN: 2, EXPRESSIONS: 4 } as const;
const LIST_ELEMENT = 1;
const EXPRESSION = { NAME: 1, DATA: 2 } as const;
const VALUE = 1;
const META = { TO: 1, KEY: 2 } as const;
const PAYLOAD = { TO: 1, BASE: 2, OFFSET: 3, LENGTH: 4 } as const;
const CMP = { FROM: 1, OPERATOR: 2, DATA: 3 } as const;
const IMMEDIATE = { TO: 1, DATA: 2 } as const;
const NAT = { TYPE: 1, FAMILY: 2, ADDRESS_FROM: 3, PORT_FROM: 5 } as const;
const META_L4PROTO = 16;
const NETWORK_HEADER = 1;
const TRANSPORT_HEADER = 2;
const EQUAL = 0;
const DNAT = 1;
const LOCAL_OUT = 3;
const DSTNAT_PRIORITY = -100;
const PROTOCOL = { tcp: 6, udp: 17 } as const;

const NAME = "gantry-dns";

interface Ports {
  udp: number;
  tcp: number;
}

/**
 * In the thread's network namespace: what its programs send to `address`:`port` goes to ports `to` of the same address.
 * Port 53 itself stays free for the container's own name server. What an earlier engine made is kept if it says the
 * same: taking a table away costs 10 ms.
 */
export function redirectPort(address: string, port: number, to: Ports): void {
  const socket = new NetlinkSocket(NETLINK.NETFILTER);
  const chain = `to-${to.udp}-${to.tcp}`;
  const content = [
    baseChain(chain),
    rule(chain, matching("udp", address, port), address, to.udp),
    rule(chain, matching("tcp", address, port), address, to.tcp),
  ];
  try {
    if (succeeds("EEXIST", () => socket.batch(transaction([newTable(), ...content])))) return;
    if (succeeds("ENOENT", () => socket.batch([message(MSG.GETCHAIN, chainName(chain))]))) return;
    const fresh = [message(MSG.DELTABLE, [[TABLE.NAME, NAME]]), newTable()];
    socket.batch(transaction([...fresh, ...content]));
  } finally {
    socket.close();
  }
}

function succeeds(unless: string, body: () => void): boolean {
  try {
    body();
    return true;
  } catch (error) {
    if (errnoOf(error) !== unless) throw error;
    return false;
  }
}

const be32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

const be16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
};

/** struct nfgenmsg */
const header = (family: number, resource = 0): Buffer => Buffer.concat([Buffer.from([family, 0]), be16(resource)]);

const request = (type: number, attributes: Attribute[], flags = 0): Request => ({
  about: "name server's port",
  type,
  flags,
  body: header(AF_INET),
  attributes,
});

const message = (type: number, attributes: Attribute[], flags = 0): Request =>
  request((NFTABLES << 8) | type, attributes, flags);

const transaction = (requests: Request[]): Request[] => [
  { ...request(BATCH.BEGIN, []), body: header(0, NFTABLES), quiet: true },
  ...requests,
  { ...request(BATCH.END, []), body: header(0, NFTABLES), quiet: true },
];

const newTable = (): Request => message(MSG.NEWTABLE, [[TABLE.NAME, NAME]], NLM_F_CREATE | NLM_F_EXCL);

const chainName = (chain: string): Attribute[] => [
  [CHAIN.TABLE, NAME],
  [CHAIN.NAME, chain],
];

const baseChain = (chain: string): Request =>
  message(
    MSG.NEWCHAIN,
    [
      ...chainName(chain),
      [
        CHAIN.HOOK,
        [
          [HOOK.NUMBER, be32(LOCAL_OUT)],
          [HOOK.PRIORITY, be32(DSTNAT_PRIORITY)],
        ],
      ],
      [CHAIN.TYPE, "nat"],
    ],
    NLM_F_CREATE,
  );

const expression = (name: string, data: Attribute[]): Attribute => [
  LIST_ELEMENT,
  [
    [EXPRESSION.NAME, name],
    [EXPRESSION.DATA, data],
  ],
];

const equals = (value: Buffer): Attribute =>
  expression("cmp", [
    [CMP.FROM, be32(1)],
    [CMP.OPERATOR, be32(EQUAL)],
    [CMP.DATA, [[VALUE, value]]],
  ]);

const payload = (base: number, offset: number, length: number): Attribute =>
  expression("payload", [
    [PAYLOAD.TO, be32(1)],
    [PAYLOAD.BASE, be32(base)],
    [PAYLOAD.OFFSET, be32(offset)],
    [PAYLOAD.LENGTH, be32(length)],
  ]);

const load = (register: number, value: Buffer): Attribute =>
  expression("immediate", [
    [IMMEDIATE.TO, be32(register)],
    [IMMEDIATE.DATA, [[VALUE, value]]],
  ]);

const matching = (protocol: keyof typeof PROTOCOL, address: string, port: number): Attribute[] => [
  expression("meta", [
    [META.TO, be32(1)],
    [META.KEY, be32(META_L4PROTO)],
  ]),
  equals(Buffer.from([PROTOCOL[protocol]])),
  payload(NETWORK_HEADER, 16, 4),
  equals(addressBytes(mustParseAddress(address))),
  payload(TRANSPORT_HEADER, 2, 2),
  equals(be16(port)),
];

const rule = (chain: string, match: Attribute[], address: string, port: number): Request =>
  message(
    MSG.NEWRULE,
    [
      [RULE.TABLE, NAME],
      [RULE.CHAIN, chain],
      [
        RULE.EXPRESSIONS,
        [
          ...match,
          load(1, addressBytes(mustParseAddress(address))),
          load(2, be16(port)),
          expression("nat", [
            [NAT.TYPE, be32(DNAT)],
            [NAT.FAMILY, be32(AF_INET)],
            [NAT.ADDRESS_FROM, be32(1)],
            [NAT.PORT_FROM, be32(2)],
          ]),
        ],
      ],
    ],
    NLM_F_CREATE | NLM_F_APPEND,
  );
