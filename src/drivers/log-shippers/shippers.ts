import type { LogOptions } from "../../base/logging/options.ts";
import type { LogSubject } from "../../base/logging/subject.ts";
import { badLogOption } from "../../base/logging/values.ts";
import type { Ids } from "../../ports/clock.ts";
import type { LogSender, LogShippers } from "../../ports/log-shipper.ts";
import { connectFluentd } from "./fluentd.ts";
import { connectGelf } from "./gelf.ts";
import { connectJournald } from "./journald.ts";
import { connectSyslog } from "./syslog.ts";

const JOURNAL = "/run/systemd/journal/socket";

/** The senders of all drivers that have one. */
export class HostLogShippers implements LogShippers {
  private readonly deps: { ids: Ids; hostname: string; journal?: string };

  constructor(deps: { ids: Ids; hostname: string; journal?: string }) {
    this.deps = deps;
  }

  async connect(driver: string, options: LogOptions, subject: LogSubject): Promise<LogSender> {
    switch (driver) {
      case "syslog":
        return connectSyslog(options, subject, this.deps.hostname);
      case "journald":
        return connectJournald(this.deps.journal ?? JOURNAL, subject);
      case "fluentd":
        return connectFluentd(options, subject, this.deps.ids);
      case "gelf":
        return connectGelf(options, subject, this.deps);
      default:
        throw badLogOption(`${driver} sends no logs`);
    }
  }
}
