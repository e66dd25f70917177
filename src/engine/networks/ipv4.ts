/** IPv4 addresses as unsigned 32-bit numbers, and ranges of them. */
export interface Range {
  /** First address, host bits zero. */
  base: number;
  prefix: number;
}

/** Undefined: not an address in dotted form. */
export function parseAddress(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const parts = match.slice(1).map(Number);
  if (parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export const formatAddress = (address: number): string =>
  [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");

/** "172.30.0.1/16" → the address and the range it is in. */
export function parseCidr(text: string): { address: number; range: Range } | undefined {
  const [head = "", tail = ""] = text.split("/");
  const address = parseAddress(head);
  if (address === undefined || !/^\d{1,2}$/.test(tail) || Number(tail) > 32) return undefined;
  const prefix = Number(tail);
  return { address, range: { base: mask(address, prefix), prefix } };
}

export const formatRange = (range: Range): string => `${formatAddress(range.base)}/${range.prefix}`;

export const sizeOf = (range: Range): number => 2 ** (32 - range.prefix);

export const lastOf = (range: Range): number => range.base + sizeOf(range) - 1;

export const contains = (range: Range, address: number): boolean => address >= range.base && address <= lastOf(range);

export const overlap = (a: Range, b: Range): boolean => a.base <= lastOf(b) && b.base <= lastOf(a);

/** Docker's rule for a MAC: 02:42 and the address. */
export const macOf = (address: number): string =>
  `02:42:${[24, 16, 8, 0].map((shift) => ((address >>> shift) & 255).toString(16).padStart(2, "0")).join(":")}`;

const mask = (address: number, prefix: number): number => {
  const size = 2 ** (32 - prefix);
  return Math.floor(address / size) * size;
};
