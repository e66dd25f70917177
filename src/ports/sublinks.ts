import type { EndSpec } from "./links.ts";

/** What a container's own link on a parent is, and how it deals with others on the same parent. */
export type SublinkKind =
  | { kind: "macvlan"; mode: "bridge" | "private" | "vepa" | "passthru" }
  | { kind: "ipvlan"; mode: "l2" | "l3" | "l3s"; flag: "bridge" | "private" | "vepa" };

/** A link inside a container's network namespace that shares a link of the host's. */
export interface SublinkSpec extends EndSpec {
  /** The host's link. */
  parent: string;
  type: SublinkKind;
}

/** A parent that is to be there. */
export interface ParentSpec {
  /** At most 15 bytes. */
  name: string;
  /** Of the links that are to be on it: refused where the kernel hasn't the kind. */
  kind: SublinkKind["kind"];
  /** How it is made where it is missing; undefined: it is the host's own. */
  make?: ParentMaking;
  /** Text on a link made here that tells whose it is; at most 255 bytes. */
  label: string;
}

/** A VLAN of another link, or a link that leads nowhere, for containers among themselves. */
export type ParentMaking = { kind: "vlan"; on: string; id: number } | { kind: "isolated" };

/**
 * macvlan and ipvlan links. Synchronous.
 * Errors: as `Links`; notFound NO_PARENT_LINK, conflict PARENT_IN_USE, PARENT_DOWN, MAC_IN_USE, invalid BAD_PARENT, BAD_MTU;
 * notImplemented NO_LINK_KIND where the kernel hasn't the kind.
 */
export interface Sublinks {
  /** True if the kernel has the kind, maybe as a module that it loads by itself. */
  supports(kind: SublinkKind["kind"]): boolean;
  /** Makes the parent if it is missing and can be made; leaves one that is there as it is. */
  ensureParent(spec: ParentSpec): void;
  /** Deletes a parent if `ensureParent` made it, which the label tells; missing is fine. */
  removeParent(name: string, label: string): void;
  /** Makes the link in the namespace at once: nothing of it is ever on the host. */
  plug(spec: SublinkSpec): void;
  /** Deletes a link in a namespace; missing is fine, link or namespace. */
  unplug(netns: string, name: string): void;
}
