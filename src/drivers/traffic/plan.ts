import { GantryError } from "../../base/errors.ts";
import type { TrafficShape } from "../../base/traffic-shape.ts";

/** What of the kernel can be used. */
export interface KernelParts {
  netem: boolean;
  tbf: boolean;
  /** nftables on a link, with chance. */
  chance: boolean;
}

/** What is put on each end of a cable. */
export interface TrafficPlan {
  /** On what leaves by the end. */
  qdisc?: { kind: "tbf"; rate: number } | ({ kind: "netem" } & TrafficShape);
  /** Percent of what comes in by the end. */
  drop?: number;
}

const ONLY_NETEM = ["delay", "jitter", "duplicate", "corrupt", "reorder"] as const;

/**
 * netem where only it can do what is asked, and then for all but the loss; else the simpler parts, which every kernel has.
 * Loss by a filter at the far end: the sender's own stack must not notice it. Throws unavailable CANNOT_SHAPE.
 */
export function planTraffic({ loss, ...shape }: TrafficShape, parts: KernelParts): TrafficPlan {
  const special = ONLY_NETEM.filter((name) => shape[name] !== undefined);
  const narrow = shape.rate !== undefined && !parts.tbf;
  const chance = loss !== undefined && !parts.chance;
  const drop = loss === undefined || chance ? {} : { drop: loss };
  if (special.length === 0 && !narrow && !chance) {
    return { ...(shape.rate !== undefined && { qdisc: { kind: "tbf", rate: shape.rate } }), ...drop };
  }
  if (!parts.netem) throw cannot([...special, ...(narrow ? ["rate"] : []), ...(chance ? ["loss"] : [])]);
  return { qdisc: { kind: "netem", ...shape, ...(chance && { loss }) }, ...drop };
}

const cannot = (what: string[]): GantryError =>
  new GantryError(
    "unavailable",
    "CANNOT_SHAPE",
    `this kernel can't do ${what.join(", ")}: it has no netem (sch_netem)`,
    {
      hint:
        "try: modprobe sch_netem; where there is no such module, install the kernel's extra modules " +
        "(linux-modules-extra-… on Ubuntu, kernel-modules-extra on Fedora) or a kernel with CONFIG_NET_SCH_NETEM",
    },
  );
