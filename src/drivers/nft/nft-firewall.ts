import { GantryError } from "../../base/errors.ts";
import type { Firewall, FirewallChain, FirewallNetwork, PublishedPort } from "../../ports/firewall.ts";
import { addedRuleHandles, dropsByPolicy, parseForeignChain, planPass } from "./foreign-policy.ts";
import { type NftAnswer, type NftSession, openLibrarySession } from "./library.ts";
import { planElements } from "./elements.ts";
import { planAbsence, planTable, tableName } from "./plan.ts";
import { parseChains, parsePublished } from "./read-back.ts";

/** Firewall by libnftables, in the network namespace that the thread is in when the object is made. */
export class NftFirewall implements Firewall {
  private readonly session: NftSession;
  private readonly table: string;

  /** `bridge`: the engine's default bridge, which names its table. */
  constructor(bridge: string) {
    const session = openLibrarySession();
    if (session === undefined) {
      throw new GantryError("unavailable", "NO_FIREWALL", "libnftables.so.1 cannot be loaded", {
        hint: "install it: apt-get install nftables",
      });
    }
    this.session = session;
    this.table = tableName(bridge);
  }

  sync(networks: FirewallNetwork[], ports: PublishedPort[]): void {
    const text = planTable(this.table, networks, ports);
    if (this.session.run(text).code === 0) return;
    // a table of another version or changed by hand, in the way of the new one: replaced whole, still in one transaction
    this.run([...planAbsence("inet", this.table), text].join("\n"));
  }

  publish(ports: PublishedPort[]): void {
    if (ports.length > 0) this.run(planElements("add", this.table, ports).join("\n"));
  }

  unpublish(ports: PublishedPort[]): void {
    if (ports.length === 0) return;
    // adding what is there changes nothing, so that the deletion never fails for a missing element
    const both = (some: PublishedPort[]): string =>
      [...planElements("add", this.table, some), ...planElements("delete", this.table, some)].join("\n");
    if (this.session.run(both(ports)).code === 0) return;
    // one of them leads elsewhere by now and is not ours to delete, or the table is gone
    for (const port of ports) this.session.run(both([port]));
  }

  passForeignPolicy(bridges: string[]): void {
    const chain = this.foreignChain();
    if (chain === undefined || !dropsByPolicy(chain)) return;
    const commands = planPass(chain, this.table, bridges);
    if (commands.length > 0) this.run(commands.join("\n"));
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
    this.run(["ip", "inet"].flatMap((family) => planAbsence(family, this.table)).join("\n"));
    const chain = this.foreignChain();
    if (chain === undefined) return;
    const handles = addedRuleHandles(chain, this.table);
    if (handles.length > 0)
      this.run(handles.map((handle) => `delete rule ip filter FORWARD handle ${handle}`).join("\n"));
  }

  private foreignChain(): ReturnType<typeof parseForeignChain> {
    const answer = this.session.list("list chain ip filter FORWARD");
    return answer.code === 0 ? parseForeignChain(answer.output) : undefined;
  }

  private run(text: string): NftAnswer {
    const answer = this.session.run(text);
    if (answer.code !== 0) {
      throw new GantryError("internal", "FIREWALL_FAILED", `nft: ${answer.error.split("\n")[0]?.trim()}`, {
        details: { commands: text, error: answer.error },
      });
    }
    return answer;
  }
}
