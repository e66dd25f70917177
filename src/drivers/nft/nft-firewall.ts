import { GantryError } from "../../base/errors.ts";
import type { Firewall, FirewallChain, FirewallNetwork, GuardedCable, PublishedPort } from "../../ports/firewall.ts";
import type { Logger } from "../../ports/logger.ts";
import { linkExists } from "../syscalls/sockets.ts";
import { guardElements, planCable } from "./cable-guard.ts";
import { familiesOf, parseChainList } from "./chain-list.ts";
import { portElements } from "./elements.ts";
import { type NftAnswer, type NftSession, openLibrarySession } from "./library.ts";
import { OtherFirewalls } from "./others/other-firewalls.ts";
import { type PublishedPortsMode, tableName } from "./plan.ts";
import { parseChains, parsePublished, parseShape } from "./read-back.ts";
import { secondWayElements } from "./second-way.ts";
import { covers, planAbsence, planAnew, planElements, planRefill, shapeOf, type TablePlan } from "./table.ts";
import { planTables, planTransaction } from "./tables.ts";
import { Watch } from "./watch.ts";
import { mayMatter } from "./what-matters.ts";

export interface NftFirewallOptions {
  /** The engine's default bridge, which names its tables. */
  bridge: string;
  publishedPorts?: PublishedPortsMode;
  logger: Logger;
}

/** Firewall by libnftables, in the network namespace that the thread is in when the object is made. */
export class NftFirewall implements Firewall {
  private readonly session: NftSession;
  private readonly table: string;
  private readonly mode: PublishedPortsMode;
  private readonly logger: Logger;
  private readonly others: OtherFirewalls;
  private readonly watch: Watch;
  private networks: FirewallNetwork[] = [];
  private readonly ports = new Map<string, PublishedPort>();
  private readonly cables = new Map<string, GuardedCable>();
  /** False once the kernel turned out to lack what it takes. */
  private canGuard = true;

  constructor({ bridge, publishedPorts = "open", logger }: NftFirewallOptions) {
    const session = openLibrarySession();
    if (session === undefined) {
      throw new GantryError("unavailable", "NO_FIREWALL", "libnftables.so.1 cannot be loaded", {
        hint: "install it: apt-get install nftables",
      });
    }
    this.session = session;
    this.table = tableName(bridge);
    this.mode = publishedPorts;
    this.logger = logger;
    const commit = (text: string): NftAnswer => this.commit(text);
    this.others = new OtherFirewalls({ session, commit, logger, mark: this.table });
    this.watch = new Watch({
      matters: (change) => mayMatter(this.table, change),
      changed: (by) => this.repair(by),
      alsoChanged: () => this.others.legacyChanged(),
      logger,
    });
  }

  sync(networks: FirewallNetwork[], ports: PublishedPort[], cables: GuardedCable[] = []): void {
    this.networks = networks;
    this.ports.clear();
    this.cables.clear();
    this.remember(ports, cables);
    this.apply();
    this.others.pass(this.bridges());
  }

  publish(ports: PublishedPort[], cables: GuardedCable[] = []): void {
    if (ports.length + cables.length === 0) return;
    const text = [...this.planPorts("add", ports), ...this.planCables("add", cables)].join("\n");
    if (this.commit(text).code !== 0) {
      // somebody may just have taken the tables away
      this.apply();
      this.must(text);
    }
    this.remember(ports, cables);
  }

  unpublish(ports: PublishedPort[], cables: GuardedCable[] = []): void {
    if (ports.length + cables.length === 0) return;
    for (const port of ports) this.ports.delete(keyOf(port));
    for (const { link } of cables) this.cables.delete(link);
    // adding what is there changes nothing, so that the deletion never fails for a missing element
    const gone = (some: PublishedPort[]): string[] => [
      ...this.planPorts("add", some),
      ...this.planPorts("delete", some),
    ];
    if (this.commit([...gone(ports), ...this.planCables("delete", cables)].join("\n")).code === 0) return;
    // one of them leads elsewhere by now and is not ours to delete, or the table is gone
    for (const port of ports) this.commit(gone([port]).join("\n"));
    for (const cable of cables) this.commit(this.planCables("delete", [cable]).join("\n"));
  }

  keep(): void {
    this.watch.start();
  }

  published(): PublishedPort[] | undefined {
    const answer = this.session.list(`list table inet ${this.table}`);
    return answer.code === 0 ? parsePublished(answer.output) : undefined;
  }

  chains(): { table: string; chains: FirewallChain[] } | undefined {
    const answer = this.session.show(`list table inet ${this.table}`);
    return answer.code === 0 ? { table: this.table, chains: parseChains(answer.output) } : undefined;
  }

  remove(): void {
    const bridges = this.bridges();
    this.watch.stop();
    const absences = this.families().flatMap((family) => planAbsence(family, this.table));
    if (absences.length > 0) this.must(absences.join("\n"));
    this.others.leave(bridges);
  }

  close(): void {
    this.watch.stop();
  }

  /** All tables in one transaction: as they are meant to be, and none of an earlier version or another mode. */
  private apply(): void {
    const attempt = (main: typeof planAnew): NftAnswer => {
      const tables = this.plan();
      const meant = tables.map(({ family }) => family as string);
      const stale = this.families().filter((family) => !meant.includes(family));
      return this.commit(planTransaction(tables, stale, main));
    };
    // a table of another version or changed by hand may be in the way of a refill
    let answer = attempt(planRefill);
    if (answer.code !== 0) answer = attempt(planAnew);
    if (answer.code !== 0 && this.canGuard) {
      this.canGuard = false;
      answer = attempt(planAnew);
      if (answer.code === 0) {
        this.logger.warn("this kernel has no nftables for links: containers may claim one another's addresses");
      }
    }
    if (answer.code !== 0) throw this.failure(answer);
  }

  /** After a change of somebody else's. */
  private repair(by: string): void {
    const broken = this.plan().filter((table) => {
      const { code, output } = this.session.list(`list table ${table.family} ${table.name}`);
      return code !== 0 || !covers(parseShape(output), shapeOf(table));
    });
    if (broken.length > 0) {
      this.apply();
      const tables = broken.map(({ family, name }) => `${family} ${name}`).join(", ");
      this.logger.warn("another program changed the engine's firewall rules: they are back", { tables, by });
    }
    this.others.pass(this.bridges());
  }

  private plan(): [TablePlan, ...TablePlan[]] {
    return planTables({
      ...{ name: this.table, mode: this.mode, networks: this.networks, ports: [...this.ports.values()] },
      ...(this.canGuard && { cables: [...this.cables.values()].filter(({ link }) => linkExists(link)) }),
    });
  }

  private planPorts(verb: "add" | "delete", ports: PublishedPort[]): string[] {
    const second = this.mode === "host-rules" ? (["ip", "ip6"] as const) : [];
    return [
      ...planElements(verb, { family: "inet", name: this.table }, portElements(ports)),
      ...second.flatMap((family) => planElements(verb, { family, name: this.table }, secondWayElements(family, ports))),
    ];
  }

  private planCables(verb: "add" | "delete", cables: GuardedCable[]): string[] {
    if (!this.canGuard || cables.length === 0) return [];
    const table = { family: "netdev", name: this.table } as const;
    const elements = guardElements(cables);
    // as with ports: what is added first can be deleted
    return [
      ...planElements("add", table, elements),
      ...(verb === "delete" ? planElements("delete", table, elements) : []),
      ...cables.flatMap((cable) => planCable(verb, this.table, cable)),
    ];
  }

  private remember(ports: PublishedPort[], cables: GuardedCable[]): void {
    for (const port of ports) this.ports.set(keyOf(port), port);
    for (const cable of cables) this.cables.set(cable.link, cable);
  }

  private bridges(): string[] {
    return this.networks.map(({ bridge }) => bridge);
  }

  /** Families in which there is a table of ours now. */
  private families(): string[] {
    return familiesOf(parseChainList(this.session.list("list chains").output), this.table);
  }

  private commit(text: string): NftAnswer {
    return this.watch.own(() => this.session.run(text));
  }

  private must(text: string): void {
    const answer = this.commit(text);
    if (answer.code !== 0) throw this.failure(answer);
  }

  private failure({ error }: NftAnswer): GantryError {
    return new GantryError("internal", "FIREWALL_FAILED", `nft: ${error.split("\n")[0]?.trim()}`, {
      details: { error },
    });
  }
}

const keyOf = ({ protocol, hostAddress, hostPort, address, port, routed }: PublishedPort): string =>
  [protocol, hostAddress, hostPort, address, port, routed].join(" ");
