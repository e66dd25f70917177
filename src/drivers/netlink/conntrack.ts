import { addressBytes, mustParseAddress } from "../../base/ip-address.ts";
import type { FlowEnd } from "../../ports/links.ts";
import type { Attribute } from "./message.ts";
import { AF } from "./ip-requests.ts";
import type { Request } from "./socket.ts";

/** <linux/netfilter/nfnetlink_conntrack.h>, message types with their subsystem. */
const CT_DELETE = (1 << 8) | 2;
const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, FILTER: 25 } as const;
const TUPLE = { IP: 1, PROTO: 2 } as const;
const IP = { 4: { SRC: 1, DST: 2 }, 6: { SRC: 3, DST: 4 } } as const;
const PROTO = { NUM: 1, SRC_PORT: 2, DST_PORT: 3 } as const;
const FILTER_FLAGS = { ORIG: 1, REPLY: 2 } as const;
const FILTER_BY = { IP_SRC: 1, IP_DST: 2, PROTO_NUM: 8, SRC_PORT: 16, DST_PORT: 32 } as const;
const IPPROTO_UDP = 17;

const port16 = (port: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(port);
  return bytes;
};

/** Forgets the UDP flows that were sent to (`to`) or are answered by (`from`) an address and port. Kernel 5.8 or later. */
export function forgetUdp(end: FlowEnd): Request {
  const toIt = end.side === "to";
  const parsed = mustParseAddress(end.address);
  const { family } = parsed;
  const address = addressBytes(parsed);
  const tuple: Attribute[] = [
    [TUPLE.IP, [[toIt ? IP[family].DST : IP[family].SRC, address]]],
    [
      TUPLE.PROTO,
      [
        [PROTO.NUM, Buffer.from([IPPROTO_UDP])],
        [toIt ? PROTO.DST_PORT : PROTO.SRC_PORT, port16(end.port)],
      ],
    ],
  ];
  const by =
    FILTER_BY.PROTO_NUM | (toIt ? FILTER_BY.IP_DST | FILTER_BY.DST_PORT : FILTER_BY.IP_SRC | FILTER_BY.SRC_PORT);
  return {
    about: `forget udp flows of ${end.address}:${end.port}`,
    type: CT_DELETE,
    flags: 0,
    body: Buffer.from([AF[family], 0, 0, 0]),
    attributes: [
      [toIt ? CTA.TUPLE_ORIG : CTA.TUPLE_REPLY, tuple],
      [
        CTA.FILTER,
        [
          [FILTER_FLAGS.ORIG, toIt ? by : 0],
          [FILTER_FLAGS.REPLY, toIt ? 0 : by],
        ],
      ],
    ],
    // an older kernel can't select flows: they then end by their own time-out
    ignore: ["EINVAL", "ENOTSUP", "ENOENT"],
  };
}
