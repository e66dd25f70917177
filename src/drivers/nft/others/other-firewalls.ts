import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../ports/logger.ts";
import { familiesOf, forwardDrops, type ListedChain, parseChainList } from "../chain-list.ts";
import type { NftAnswer, NftSession } from "../library.ts";
import { Firewalld } from "./firewalld.ts";
import { parseForwardChain, planPasses } from "./forward-policy.ts";
import { LegacyPolicy } from "./legacy-policy.ts";

export interface OtherFirewallsDeps {
  session: NftSession;
  /** Runs commands that change something. */
  commit: (text: string) => NftAnswer;
  logger: Logger;
  /** What our rules in others' chains begin their comments with. */
  mark: string;
}

/** Where other programs stop all that is forwarded, lets our bridges' traffic past; their explicit rules hold. */
export class OtherFirewalls {
  private readonly deps: OtherFirewallsDeps;
  private readonly legacy: LegacyPolicy;
  private readonly firewalld: Firewalld;
  private readonly complaints = new Set<string>();

  constructor(deps: OtherFirewallsDeps) {
    this.deps = deps;
    this.legacy = new LegacyPolicy(deps.mark);
    this.firewalld = new Firewalld(deps.logger);
  }

  /** Of what nftables doesn't tell: is it different from how `pass` left it? */
  legacyChanged(): boolean {
    return this.legacy.changed();
  }

  pass(bridges: string[]): void {
    this.attempt(() => this.passIptables(bridges));
    this.attempt(() => this.legacy.pass(bridges));
    const chains = this.chains();
    if (familiesOf(chains, "firewalld").length > 0) this.firewalld.pass(bridges);
    this.attempt(() => this.tellOfStrictChains(chains, bridges));
  }

  leave(bridges: string[]): void {
    this.attempt(() => this.passIptables([]));
    this.attempt(() => this.legacy.pass([]));
    if (familiesOf(this.chains(), "firewalld").length > 0) this.firewalld.leave(bridges);
  }

  private chains(): ListedChain[] {
    return parseChainList(this.deps.session.list("list chains").output);
  }

  private passIptables(bridges: string[]): void {
    for (const family of ["ip", "ip6"] as const) {
      const answer = this.deps.session.list(`list chain ${family} filter FORWARD`);
      const chain = answer.code === 0 ? parseForwardChain(answer.output) : undefined;
      const commands = chain ? planPasses(family, chain, this.deps.mark, bridges) : [];
      if (commands.length === 0) continue;
      const { code, error } = this.deps.commit(commands.join("\n"));
      if (code !== 0) throw new Error(error.split("\n")[0]);
    }
  }

  /** An administrator's own chain is not ours to change: once for each, say what it needs. */
  private tellOfStrictChains(chains: ListedChain[], bridges: string[]): void {
    for (const { family, table, name } of forwardDrops(chains)) {
      const chain = `${family} ${table} ${name}`;
      const rules = this.deps.session.show(`list chain ${chain}`).output;
      const shut = bridges.filter((bridge) => !rules.includes(`"${bridge}"`));
      const complaint = `${chain} ${shut.join(" ")}`;
      if (shut.length === 0 || this.complaints.has(complaint)) continue;
      this.complaints.add(complaint);
      const hint = shut
        .flatMap((bridge) => [`iifname "${bridge}" accept`, `oifname "${bridge}" accept`])
        .map((rule) => `nft add rule ${chain} ${rule}`);
      this.deps.logger.warn("a chain drops what is forwarded: containers on these bridges reach nothing outside", {
        ...{ chain, bridges: shut.join(", "), hint: hint.join("; ") },
      });
    }
  }

  /** What others do is no reason to leave our own rules out. */
  private attempt(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.deps.logger.error("traffic of containers is not let past another firewall", { error: messageOf(error) });
    }
  }
}
