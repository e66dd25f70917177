/** An IPv4 address in four plain numbers, or an IPv6 one, with or without a zone. */
export function isIpAddress(text: string): boolean {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return text.split(".").every((part) => Number(part) < 256);
  const [address = "", zone, ...more] = text.split("%");
  return more.length === 0 && zone !== "" && /^[0-9a-fA-F:.]+$/.test(address) && URL.canParse(`http://[${address}]`);
}
