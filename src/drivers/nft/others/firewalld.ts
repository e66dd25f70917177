import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../ports/logger.ts";
import { outputSync, run } from "../../process/run.ts";

const TOOL = "firewall-cmd";
/** What comes from links in it is accepted, as with the zone that dockerd makes for its own. */
const ZONE = "trusted";
const TIMEOUT = 10_000;

/** The links of each zone in `firewall-cmd --get-active-zones`. */
export function parseActiveZones(text: string): Map<string, string[]> {
  const zones = new Map<string, string[]>();
  let zone = "";
  for (const line of text.split("\n")) {
    const links = /^\s+interfaces: (.*)$/.exec(line)?.[1];
    if (links !== undefined) zones.set(zone, links.trim().split(/\s+/));
    else if (/^\S/.test(line)) zone = line.split(" ")[0] ?? "";
  }
  return zones;
}

/**
 * firewalld refuses to forward for links that are in no zone, from a table that others may not change: it is asked to
 * take our bridges into a zone. What an administrator put elsewhere stays there. Nothing is stored: a reload forgets it,
 * and it is asked again.
 */
export class Firewalld {
  private readonly logger: Logger;
  private busy = false;
  private wanted: string[] = [];

  constructor(logger: Logger) {
    this.logger = logger;
  }

  /** In the background. */
  pass(bridges: string[]): void {
    this.wanted = bridges;
    if (this.busy) return;
    this.busy = true;
    this.askUntilServed()
      .catch((error) => this.logger.warn("firewalld does not take the containers' bridges", this.hint(bridges, error)))
      .finally(() => (this.busy = false));
  }

  leave(bridges: string[]): void {
    const active = outputSync(TOOL, ["--get-active-zones"]);
    const ours = bridges.filter((bridge) => active && parseActiveZones(active).get(ZONE)?.includes(bridge));
    if (ours.length > 0) outputSync(TOOL, [`--zone=${ZONE}`, ...ours.map((link) => `--remove-interface=${link}`)]);
  }

  /** What is wanted may change meanwhile. */
  private async askUntilServed(): Promise<void> {
    for (let asked: string[] | undefined; asked !== this.wanted; ) {
      asked = this.wanted;
      await this.ask(asked);
    }
  }

  private async ask(bridges: string[]): Promise<void> {
    const { stdout } = await run(TOOL, ["--get-active-zones"], { timeout: TIMEOUT });
    const placed = [...parseActiveZones(stdout.toString()).values()].flat();
    const missing = bridges.filter((bridge) => !placed.includes(bridge));
    if (missing.length === 0) return;
    await run(TOOL, [`--zone=${ZONE}`, ...missing.map((link) => `--add-interface=${link}`)], { timeout: TIMEOUT });
    this.logger.info("firewalld took the containers' bridges", { zone: ZONE, bridges: missing.join(", ") });
  }

  private hint(bridges: string[], error: unknown): Record<string, unknown> {
    const links = bridges.map((bridge) => `--add-interface=${bridge}`).join(" ");
    return { error: messageOf(error), hint: `${TOOL} --permanent --zone=${ZONE} ${links}; ${TOOL} --reload` };
  }
}
