import type { TrafficShape } from "../../base/traffic-shape.ts";
import { type Attribute, encodeAttributes } from "../netlink/message.ts";
import type { Request } from "../netlink/socket.ts";

/** <linux/rtnetlink.h>, pkt_sched.h */
const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const TC_H_ROOT = 0xffffffff;
const TCA = { KIND: 1, OPTIONS: 2 };
const TBF = { PARMS: 1, RATE64: 4, BURST: 6 };
const NETEM = { REORDER: 3, CORRUPT: 4, RATE: 6, RATE64: 8 };
const LINKLAYER_ETHERNET = 1;
const U32 = 0xffffffff;

/** Nanoseconds in one of the kernel's ticks. */
const TICK = 64;
const PACKET = 1514;
/** Seconds that a queue is long; beyond it packets are lost, as in a router. */
const QUEUE = 0.1;
/** Seconds of sending at once: what a timer that is late must not cost. */
const BURST = 0.03;
/** netem's queue in packets where no rate bounds it. */
const LONG_QUEUE = 10_000;

/** struct tcmsg, for the root of a link */
function trafficHeader(index: number): Buffer {
  const body = Buffer.alloc(20);
  body.writeInt32LE(index, 4);
  body.writeUInt32LE(TC_H_ROOT, 12);
  return body;
}

const addQdisc = (index: number, kind: string, options: Attribute[1]): Request => ({
  about: `${kind} on link ${index}`,
  type: RTM_NEWQDISC,
  flags: NLM_F_CREATE | NLM_F_EXCL,
  body: trafficHeader(index),
  attributes: [
    [TCA.KIND, kind],
    [TCA.OPTIONS, options],
  ],
});

/** Back to what a link has by itself. */
export const deleteQdisc = (index: number): Request => ({
  about: `no queue on link ${index}`,
  type: RTM_DELQDISC,
  flags: 0,
  body: trafficHeader(index),
  attributes: [],
  // there is none but its own
  ignore: ["ENOENT", "EINVAL"],
});

/** A token bucket. `rate`: bits a second. */
export function addTbf(index: number, rate: number): Request {
  const bytes = Math.round(rate / 8);
  const parameters = Buffer.alloc(36); // struct tc_tbf_qopt: two struct tc_ratespec, then three numbers
  parameters[1] = LINKLAYER_ETHERNET;
  parameters.writeUInt32LE(Math.min(bytes, U32), 8);
  parameters.writeUInt32LE(Math.max(16 * PACKET, Math.min(U32, Math.round(bytes * QUEUE))), 24);
  return addQdisc(index, "tbf", [
    [TBF.PARMS, parameters],
    [TBF.BURST, Math.max(2 * PACKET, Math.min(U32, Math.round(bytes * BURST)))],
    ...(bytes > U32 ? [[TBF.RATE64, u64(bytes)] as Attribute] : []),
  ]);
}

/** The network emulator. */
export function addNetem(index: number, shape: TrafficShape): Request {
  const { delay = 0, jitter = 0, loss, duplicate, corrupt, reorder, rate } = shape;
  const head = Buffer.alloc(24); // struct tc_netem_qopt
  head.writeUInt32LE(Math.round(delay / TICK), 0);
  head.writeUInt32LE(queueOf(delay + jitter, rate), 4);
  head.writeUInt32LE(probability(loss), 8);
  head.writeUInt32LE(reorder === undefined ? 0 : 1, 12);
  head.writeUInt32LE(probability(duplicate), 16);
  head.writeUInt32LE(Math.round(jitter / TICK), 20);
  const attributes: Attribute[] = [];
  if (reorder !== undefined) attributes.push([NETEM.REORDER, withoutCorrelation(reorder)]);
  if (corrupt !== undefined) attributes.push([NETEM.CORRUPT, withoutCorrelation(corrupt)]);
  if (rate !== undefined) {
    const bytes = Math.round(rate / 8);
    const speed = Buffer.alloc(16); // struct tc_netem_rate
    speed.writeUInt32LE(Math.min(bytes, U32));
    attributes.push([NETEM.RATE, speed]);
    if (bytes > U32) attributes.push([NETEM.RATE64, u64(bytes)]);
  }
  return addQdisc(index, "netem", Buffer.concat([head, encodeAttributes(attributes)]));
}

/** What is on its way for so long, and a router's queue. */
const queueOf = (delay: number, rate: number | undefined): number =>
  rate === undefined ? LONG_QUEUE : Math.min(U32, Math.ceil((rate / 8 / PACKET) * (delay / 1e9 + QUEUE)) + 16);

const probability = (percent = 0): number => Math.round((percent / 100) * U32);

function withoutCorrelation(percent: number): Buffer {
  const pair = Buffer.alloc(8);
  pair.writeUInt32LE(probability(percent));
  return pair;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
