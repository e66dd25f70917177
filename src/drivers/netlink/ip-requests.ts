import { addressBytes, type IpFamily, lastOf, mustParseAddress, parseCidr } from "../../base/ip-address.ts";
import type { Attribute } from "./message.ts";
import { NLM_F_CREATE, NLM_F_REPLACE, RTM } from "./requests.ts";
import type { Request } from "./socket.ts";

/** <linux/if_addr.h>, rtnetlink.h */
export const IFA = { ADDRESS: 1, LOCAL: 2, LABEL: 3, BROADCAST: 4 };
export const RTA = { DST: 1, OIF: 4, GATEWAY: 5, TABLE: 15 };
export const AF = { 4: 2, 6: 10 } as const;
/** Usable at once, without asking first whether a neighbour has it. */
const IFA_F_NODAD = 2;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_LINK = 253;
const RTN_UNICAST = 1;

/** `cidr`: "10.0.0.1/24". */
export function addAddress(index: number, cidr: string): Request {
  const parsed = parseCidr(cidr);
  if (parsed === undefined) throw new Error(`${cidr} is no address with a prefix`);
  const { address, range } = parsed;
  const local = addressBytes(address);
  const body = Buffer.alloc(8);
  body[0] = AF[address.family];
  body[1] = range.prefix;
  body[2] = address.family === 6 ? IFA_F_NODAD : 0;
  body.writeInt32LE(index, 4);
  const broadcast: Attribute[] =
    address.family === 4 ? [[IFA.BROADCAST, addressBytes({ family: 4, value: lastOf(range) })]] : [];
  return {
    about: `add address ${cidr}`,
    type: RTM.NEWADDR,
    flags: NLM_F_CREATE | NLM_F_REPLACE,
    body,
    attributes: [[IFA.LOCAL, local], [IFA.ADDRESS, local], ...broadcast],
  };
}

export const deleteAddress = (index: number, cidr: string): Request => ({
  ...addAddress(index, cidr),
  about: `delete address ${cidr}`,
  type: RTM.DELADDR,
  flags: 0,
  ignore: ["EADDRNOTAVAIL"],
});

/** `gateway`: unspecified where the others are on the link itself, whose index `link` is. */
export function addDefaultRoute(gateway: string, link: number): Request {
  const target = mustParseAddress(gateway);
  const { family } = target;
  const onLink = target.value === 0n;
  const { body } = defaultRoute(family);
  if (onLink && family === 4) body[6] = RT_SCOPE_LINK;
  return {
    about: `default route via ${gateway}`,
    type: RTM.NEWROUTE,
    flags: NLM_F_CREATE | NLM_F_REPLACE,
    body,
    attributes: [...(onLink ? [] : [[RTA.GATEWAY, addressBytes(target)] as Attribute]), [RTA.OIF, link]],
  };
}

export const deleteDefaultRoute = (family: IpFamily): Request => ({
  ...defaultRoute(family),
  about: `delete IPv${family} default route`,
  type: RTM.DELROUTE,
  flags: 0,
  attributes: [],
  // there is none; the kernel has no IPv6
  ignore: ["ESRCH", "EAFNOSUPPORT", "EOPNOTSUPP", "ENOTSUP"],
});

function defaultRoute(family: IpFamily): Pick<Request, "body"> {
  const body = Buffer.alloc(12);
  body[0] = AF[family];
  body[4] = RT_TABLE_MAIN;
  body[5] = RTPROT_BOOT;
  body[7] = RTN_UNICAST;
  return { body };
}
