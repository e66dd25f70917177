export type IpFamily = 4 | 6;

/** The address as a number, the first byte the highest. */
export interface IpAddress {
  family: IpFamily;
  value: bigint;
}

export interface IpRange {
  family: IpFamily;
  /** First address, host bits zero. */
  base: bigint;
  prefix: number;
}

export const bitsOf = (family: IpFamily): number => (family === 4 ? 32 : 128);

/** Undefined: neither IPv4 in dotted form nor IPv6; zones aren't taken. */
export function parseAddress(text: string): IpAddress | undefined {
  if (!text.includes(":")) {
    const value = parseDotted(text);
    return value === undefined ? undefined : { family: 4, value };
  }
  const value = parseGroups(text);
  return value === undefined ? undefined : { family: 6, value };
}

/** Of a text that is known to be one. */
export function mustParseAddress(text: string): IpAddress {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

/** In the order of the network. */
export const addressBytes = ({ family, value }: IpAddress): Buffer =>
  Buffer.from(value.toString(16).padStart(bitsOf(family) / 4, "0"), "hex");

function parseDotted(text: string): bigint | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function parseGroups(text: string): bigint | undefined {
  const tail = text.slice(text.lastIndexOf(":") + 1);
  if (tail.includes(".")) {
    const low = parseDotted(tail);
    if (low === undefined) return undefined;
    const groups = `${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
    return parseGroups(`${text.slice(0, text.length - tail.length)}${groups}`);
  }
  const [front = [], back, ...more] = text.split("::").map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - front.length - (back?.length ?? 0);
  if (more.length > 0 || (back === undefined ? missing !== 0 : missing < 1)) return undefined;
  const groups = [...front, ...Array<string>(missing).fill("0"), ...(back ?? [])];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return groups.reduce((sum, group) => sum * 0x10000n + BigInt(`0x${group}`), 0n);
}

/** In the one form that the kernel and Docker write (RFC 5952). */
export function formatAddress({ family, value }: IpAddress): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
  const groups = Array.from({ length: 8 }, (_, at) => (value >> BigInt(112 - 16 * at)) & 0xffffn);
  if (value >> 32n === 0xffffn) return `::ffff:${formatAddress({ family: 4, value: value & 0xffffffffn })}`;
  const text = groups.map((group) => group.toString(16)).join(":");
  const [longest] = [...text.matchAll(/(?:\b0(?::|$)){2,}/g)].toSorted((a, b) => b[0].length - a[0].length);
  if (longest === undefined) return text;
  const [front, back] = [text.slice(0, longest.index), text.slice(longest.index + longest[0].length)];
  return `${front.replace(/:$/, "")}::${back}`;
}

/** An IPv4 address in four plain numbers, or an IPv6 one, with or without a zone. */
export function isIpAddress(text: string): boolean {
  const [address = "", zone, ...more] = text.split("%");
  if (more.length > 0 || zone === "") return false;
  return parseAddress(address)?.family === 6 || (zone === undefined && parseAddress(address) !== undefined);
}

/** Of an address or a range that is known to be one. */
export const familyOf = (text: string): IpFamily => (text.includes(":") ? 6 : 4);

/** The text in its one form; undefined: no address. */
export function canonicalAddress(text: string): string | undefined {
  const address = parseAddress(text);
  return address && formatAddress(address);
}

/** "172.30.0.1/16" → the address and the range it is in. */
export function parseCidr(text: string): { address: IpAddress; range: IpRange } | undefined {
  const [head = "", tail = "", ...more] = text.split("/");
  const address = parseAddress(head);
  if (address === undefined || more.length > 0 || !/^\d{1,3}$/.test(tail)) return undefined;
  const { family, value } = address;
  const prefix = Number(tail);
  if (prefix > bitsOf(family)) return undefined;
  const size = sizeOf({ family, prefix });
  return { address, range: { family, base: value - (value % size), prefix } };
}

export const formatRange = ({ family, base, prefix }: IpRange): string =>
  `${formatAddress({ family, value: base })}/${prefix}`;

/** How many addresses it holds. */
export const sizeOf = ({ family, prefix }: Pick<IpRange, "family" | "prefix">): bigint =>
  1n << BigInt(bitsOf(family) - prefix);

export const lastOf = (range: IpRange): bigint => range.base + sizeOf(range) - 1n;

export const contains = (range: IpRange, { family, value }: IpAddress): boolean =>
  family === range.family && value >= range.base && value <= lastOf(range);

export const overlap = (a: IpRange, b: IpRange): boolean =>
  a.family === b.family && a.base <= lastOf(b) && b.base <= lastOf(a);
