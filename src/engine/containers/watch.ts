import { messageOf } from "../../base/errors.ts";
import type { ContainerDeps } from "./deps.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { isUp } from "./record.ts";
import type { ContainerEntry } from "./registry.ts";

/** Milliseconds between two looks at what no event tells: lost monitors and kills for memory. */
const PERIOD = 1000;

/** Notices ends of containers, lost monitors and kills for memory. */
export class Watch {
  private readonly deps: ContainerDeps;
  private readonly lifecycle: Lifecycle;
  private stopExits: (() => void) | undefined;
  private stopTimer: (() => void) | undefined;

  constructor(deps: ContainerDeps, lifecycle: Lifecycle) {
    this.deps = deps;
    this.lifecycle = lifecycle;
  }

  begin(): void {
    this.stopExits = this.deps.monitor.watchExits((id) => this.ended(id));
    this.arm();
  }

  end(): void {
    this.stopExits?.();
    this.stopTimer?.();
  }

  private arm(): void {
    this.stopTimer = this.deps.clock.after(PERIOD, () => {
      for (const entry of this.deps.registry.all()) {
        if (!isUp(entry.record)) continue;
        try {
          this.look(entry);
        } catch (error) {
          this.deps.logger.error("looking after a container", { container: entry.id, error: messageOf(error) });
        }
      }
      this.arm();
    });
  }

  private look(entry: ContainerEntry): void {
    const { monitor } = entry.record.state;
    // Also catches an exit whose event was lost.
    if (!monitor || !this.deps.monitor.alive(monitor)) this.ended(entry.id);
    else if ((entry.record.hostConfig.Memory ?? 0) > 0) this.lifecycle.lookForOoms(entry);
  }

  private ended(id: string): void {
    this.lifecycle.ended(id).catch((error: unknown) => {
      this.deps.logger.error("taking note of a container's end", { container: id, error: messageOf(error) });
    });
  }
}
