import * as dnsPacket from "dns-packet";

/** A question of one container, as far as we answer it ourselves. */
export interface DnsQuery {
  id: number;
  flags: number;
  /** As it was written, without the last dot. */
  name: string;
  /** "A", "PTR" … or "UNKNOWN_65". */
  type: string;
  class: string;
  /** Bytes that the client takes in one datagram; undefined: it knows no EDNS. */
  udpSize?: number;
}

export interface DnsRecord {
  type: "A" | "AAAA" | "PTR";
  data: string;
}

export const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NOTIMP: 4, REFUSED: 5 } as const;

const HEADER = 12;
const QR = 0x8000;
const OPCODE = 0x7800;
const TC = 0x0200;
const RD = 0x0100;
const RA = 0x0080;
const PLAIN_UDP = 512;
const OUR_UDP = 1232;
const TTL = 600;
const LONGEST_LABEL = 63;

/** What a message is: a query, one that is to be refused with a code, or nothing that gets an answer. */
export function readQuery(bytes: Buffer): DnsQuery | { id: number; refuse: number } | undefined {
  if (bytes.length < HEADER) return undefined;
  const id = bytes.readUInt16BE(0);
  const flags = bytes.readUInt16BE(2);
  if ((flags & QR) !== 0) return undefined;
  if ((flags & OPCODE) !== 0) return { id, refuse: RCODE.NOTIMP };
  if (bytes.readUInt16BE(4) !== 1) return { id, refuse: RCODE.FORMERR };
  const question = tryDecode(withoutRecords(bytes))?.questions?.[0];
  if (question === undefined) return { id, refuse: RCODE.FORMERR };
  const udpSize = tryDecode(bytes)?.additionals?.find((record) => record.type === "OPT")?.udpPayloadSize;
  return {
    ...{
      id,
      flags,
      name: question.name === "." ? "" : question.name,
      type: question.type,
      class: question.class ?? "",
    },
    ...(udpSize === undefined ? {} : { udpSize }),
  };
}

/** A reply that fits into what the client takes by UDP; else cut, with the mark that tells it to ask by TCP. */
export function writeReply(query: DnsQuery, rcode: number, records: DnsRecord[], via: "udp" | "tcp"): Buffer {
  const packet = {
    type: "response" as const,
    id: query.id,
    flags: (query.flags & RD) | RA | rcode,
    questions: [{ name: query.name, type: query.type, class: query.class } as dnsPacket.Question],
    answers: records
      .filter(fits)
      .map(({ type, data }) => ({ name: query.name, type, class: "IN", ttl: TTL, data }) as const),
    additionals: query.udpSize === undefined ? [] : [OPT],
  };
  const whole = dnsPacket.encode(packet);
  const limit = via === "tcp" ? 0xffff : Math.max(PLAIN_UDP, query.udpSize ?? 0);
  for (
    let { answers } = packet, bytes = whole;
    ;
    bytes = dnsPacket.encode({ ...packet, flags: packet.flags | TC, answers })
  ) {
    if (bytes.length <= limit || answers.length === 0) return bytes;
    answers = answers.slice(0, Math.floor(answers.length / 2));
  }
}

/** A header alone: for what can't be read as a question. */
export function writeRefusal(id: number, rcode: number): Buffer {
  const bytes = Buffer.alloc(HEADER);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(QR | RA | rcode, 2);
  return bytes;
}

/** The response code of a message of a server's. */
export const rcodeOf = (reply: Buffer): number => (reply[3] ?? 0) & 0xf;

const OPT: dnsPacket.OptAnswer = {
  ...{ type: "OPT", name: ".", udpPayloadSize: OUR_UDP, extendedRcode: 0, ednsVersion: 0, flags: 0 },
  ...{ flag_do: false, options: [] },
};

/** Only the question counts for us: odd records beside it are the upstream server's matter. */
function withoutRecords(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.fill(0, 6, HEADER);
  return copy;
}

function tryDecode(bytes: Buffer): dnsPacket.DecodedPacket | undefined {
  try {
    return dnsPacket.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A container's name may be longer than DNS can say. */
const fits = ({ type, data }: DnsRecord): boolean =>
  type !== "PTR" || (data.length < 250 && data.split(".").every((label) => Buffer.byteLength(label) <= LONGEST_LABEL));
