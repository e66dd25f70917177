import { GantryError } from "../../base/errors.ts";
import type { ParentMaking, SublinkKind } from "../../ports/sublinks.ts";
import type { NetworkRecord, SublinkConfig } from "./record.ts";

export type SublinkDriver = SublinkKind["kind"];

export const isSublinkDriver = (driver: string): driver is SublinkDriver => driver === "macvlan" || driver === "ipvlan";

export interface SublinkFacts {
  /** The new network's. */
  id: string;
  networks: NetworkRecord[];
  /** Names of the host's links. */
  links: string[];
}

const OPTION = {
  parent: "parent",
  macvlanMode: "macvlan_mode",
  ipvlanMode: "ipvlan_mode",
  ipvlanFlag: "ipvlan_flag",
} as const;
const MACVLAN_MODES = ["bridge", "private", "vepa", "passthru"] as const;
const IPVLAN_MODES = ["l2", "l3", "l3s"] as const;
const IPVLAN_FLAGS = ["bridge", "private", "vepa"] as const;

/** What the links of a new network's containers are made on, and how. Errors: invalid BAD_NETWORK, conflict PARENT_IN_USE. */
export function planSublink(
  driver: SublinkDriver,
  options: Record<string, string>,
  mtu: number | undefined,
  facts: SublinkFacts,
): SublinkConfig {
  const type = typeOf(driver, options);
  const parent = options[OPTION.parent] || `dm-${facts.id.slice(0, 12)}`;
  if (parent === "lo") throw bad(`loopback interface is not a valid ${driver} parent link`);
  const sharing = facts.networks.filter(({ sublink }) => sublink?.parent === parent);
  refuseSharing(type, parent, sharing);
  const make = options[OPTION.parent] ? makingOf(parent, sharing, facts) : { kind: "isolated" as const };
  return { parent, ...(make && { make }), type, ...(mtu !== undefined && { mtu }) };
}

function typeOf(driver: SublinkDriver, options: Record<string, string>): SublinkKind {
  if (driver === "macvlan") {
    const words = (mode: string): string =>
      `requested macvlan mode '${mode}' is not valid, 'bridge' mode is the macvlan driver default`;
    return { kind: driver, mode: oneOf(MACVLAN_MODES, options[OPTION.macvlanMode], words) };
  }
  return {
    kind: driver,
    mode: oneOf(
      IPVLAN_MODES,
      options[OPTION.ipvlanMode],
      (mode) => `requested ipvlan mode '${mode}' is not valid, 'l2' mode is the ipvlan driver default`,
    ),
    flag: oneOf(
      IPVLAN_FLAGS,
      options[OPTION.ipvlanFlag],
      (flag) => `requested ipvlan flag '${flag}' is not valid, 'bridge' is the ipvlan driver default`,
    ),
  };
}

/** The first stands for nothing. */
function oneOf<T extends string>(
  values: readonly [T, ...T[]],
  asked: string | undefined,
  words: (asked: string) => string,
): T {
  const value = asked ? values.find((candidate) => candidate === asked) : values[0];
  if (value === undefined) throw bad(words(asked ?? ""));
  return value;
}

function refuseSharing(type: SublinkKind, parent: string, sharing: NetworkRecord[]): void {
  for (const { id, name, sublink } of sharing) {
    const inUse = (message: string): GantryError =>
      new GantryError("conflict", "PARENT_IN_USE", message, { hint: `it is network ${name}` });
    if (type.kind === "ipvlan" && sublink?.type.kind === "ipvlan") {
      throw inUse(`network dm-${id.slice(0, 12)} is already using parent interface ${parent}`);
    }
    if (type.kind !== "macvlan" || sublink?.type.kind !== "macvlan") continue;
    if (type.mode === "passthru") {
      throw inUse(`cannot use mode passthru, macvlan network ${id} is already using parent interface ${parent}`);
    }
    if (sublink.type.mode === "passthru") {
      throw inUse(`macvlan network ${id} is already using parent interface ${parent} in mode passthru`);
    }
  }
}

/** How a parent that isn't there is made; one that was made for another network is this one's too. */
function makingOf(parent: string, sharing: NetworkRecord[], facts: SublinkFacts): ParentMaking | undefined {
  const made = sharing.find(({ sublink }) => sublink?.make);
  if (made) return made.sublink?.make;
  if (facts.links.includes(parent)) return undefined;
  const [on = "", text, ...more] = parent.split(".");
  if (text === undefined) {
    throw bad(
      `invalid subinterface vlan name ${parent}, example formatting is eth0.10: this host has no link ${parent} either`,
    );
  }
  if (more.length > 0) {
    throw bad(
      `required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received ${parent}: a parent with further dots has to be made by hand`,
    );
  }
  if (!/^[+-]?\d+$/.test(text)) {
    throw bad(`unable to parse a valid vlan id from: ${text} (ex. eth0.10 for vlan 10)`);
  }
  if (!facts.links.includes(on)) throw bad(`-o parent interface was not found on the host: ${on}`);
  const id = Number(text);
  if (id < 1 || id > 4094) throw bad(`vlan id must be between 1-4094, received: ${id}`);
  if (Buffer.byteLength(parent) > 15) {
    throw bad(`invalid parent ${parent}: a link's name has 15 characters at most; make the VLAN by hand, with another`);
  }
  return { kind: "vlan", on, id };
}

const bad = (message: string): GantryError => new GantryError("invalid", "BAD_NETWORK", message);
