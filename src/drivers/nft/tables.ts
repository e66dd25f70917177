import type { FirewallNetwork, GuardedCable, PublishedPort } from "../../ports/firewall.ts";
import { planGuard } from "./cable-guard.ts";
import { planMain, type PublishedPortsMode } from "./plan.ts";
import { planSecondWay } from "./second-way.ts";
import { planAbsence, planAnew, type TablePlan } from "./table.ts";

export interface Wanted {
  /** Of the tables. */
  name: string;
  mode: PublishedPortsMode;
  networks: FirewallNetwork[];
  ports: PublishedPort[];
  /** Undefined: the kernel can't guard cables. */
  cables?: GuardedCable[];
}

/** The tables that one engine has. */
export const planTables = ({ name, mode, networks, ports, cables }: Wanted): [TablePlan, ...TablePlan[]] => [
  planMain(name, networks, ports, mode),
  ...(mode === "host-rules" ? planSecondWay(name, ports) : []),
  ...(cables ? [planGuard(name, networks, cables)] : []),
];

/** All of them in one transaction, the first made by `main`; `stale` are families in which there is to be none any more. */
export const planTransaction = (
  [first, ...rest]: [TablePlan, ...TablePlan[]],
  stale: string[],
  main: typeof planAnew,
): string =>
  [...main(first), ...rest.flatMap(planAnew), ...stale.flatMap((family) => planAbsence(family, first.name)), ""].join(
    "\n",
  );
