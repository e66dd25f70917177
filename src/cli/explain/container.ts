import { bytesSize } from "../../base/units.ts";
import type { ContainerExplanation } from "../../wire/types/explain.ts";
import type { Cell, Picture } from "./draw.ts";
import { files } from "./files.ts";
import { capabilities, cgroup, namespaces, processes, security } from "./kernel.ts";
import { network } from "./network.ts";
import { facts, list, yes } from "./words.ts";

/** To the millisecond. */
const shortTime = (stamp: string): string => stamp.replace(/(\.\d{3})\d+Z$/, "$1Z");
/** The sections of a container that are in the document, each a picture. */
export function containerPictures(doc: ContainerExplanation): Picture[] {
  const all = (flag: string): string => `gantry explain ${flag} --all ${doc.name}`;
  return [
    overview(doc, all("")),
    ...(doc.end ? [ended(doc.end, all(""))] : []),
    ...(doc.processes ? [processes(doc.processes, all("--processes"))] : []),
    ...(doc.namespaces ? [namespaces(doc.namespaces, all("--namespaces"))] : []),
    ...(doc.cgroup ? [cgroup(doc.cgroup, all("--cgroup"))] : []),
    ...(doc.capabilities ? [capabilities(doc.capabilities, all("--caps"))] : []),
    ...(doc.security ? [security(doc.security, all("--security"))] : []),
    ...(doc.files ? files(doc.files, all("--fs")) : []),
    ...(doc.network ? network(doc.network, all("--net")) : []),
    ...(doc.monitor ? [monitor(doc.monitor, all("--monitor"))] : []),
  ];
}

function overview({ id, name, overview: of }: ContainerExplanation, all: string): Picture {
  const bad = of.status === "exited" || of.status === "dead";
  return {
    title: `CONTAINER ${name}`,
    note: id.slice(0, 12),
    parts: [
      facts([
        ["what", of.summary],
        ["status", { text: of.status, tone: of.status === "running" ? "good" : bad ? "bad" : "warn" }],
        ["main process", of.pid === undefined ? undefined : `pid ${of.pid} on the host`],
        ["command", of.command.join(" ")],
        ["image", of.image],
        ["networks", of.pid === undefined ? list(of.networks) : undefined],
        ["created", shortTime(of.created)],
        ["started", of.startedAt && shortTime(of.startedAt)],
        ["ended", of.pid === undefined && of.finishedAt ? shortTime(of.finishedAt) : undefined],
        ["restarts", `${of.restarts}, policy ${of.restartPolicy}`],
        [
          "health",
          of.health && {
            text: `${of.health.status}${of.health.failingStreak > 0 ? `, ${of.health.failingStreak} failed in a row` : ""}${of.health.last === undefined ? "" : `: ${of.health.last}`}`,
            tone: of.health.status === "unhealthy" ? "bad" : "plain",
          },
        ],
      ]),
    ],
    byHand: of.byHand,
    all,
  };
}

function ended(end: NonNullable<ContainerExplanation["end"]>, all: string): Picture {
  return {
    title: end.started ? "WHY IT ENDED" : "WHY IT DID NOT START",
    parts: [
      facts([
        ["exit code", { text: String(end.exitCode), tone: end.exitCode === 0 ? "good" : "bad" }],
        ["means", end.meaning],
        ["reason", end.reason === undefined ? undefined : { text: end.reason, tone: "bad" }],
        ["error", end.error === undefined ? undefined : { text: end.error, tone: "bad" }],
        ["signal", end.signal],
        ["killed for memory", end.oomKills > 0 ? `${end.oomKills} of its processes` : yes(end.oomKilled)],
        ...end.health.map(({ exitCode, output }): [string, Cell] => [
          "health check",
          `exit code ${exitCode}: ${output}`,
        ]),
        ...end.lastLines.map((line, at): [string, Cell] => [at === 0 ? "wrote last" : "", line]),
        ["wrote last", end.noLines],
        ...end.events.map(({ time, action }, at): [string, Cell] => [
          at === 0 ? "events" : "",
          `${shortTime(time)}  ${action}`,
        ]),
      ]),
    ],
    byHand: end.byHand,
    all,
  };
}

function monitor(section: NonNullable<ContainerExplanation["monitor"]>, all: string): Picture {
  const { log } = section;
  return {
    title: "MONITOR AND LOG",
    parts: [
      facts([
        [
          "monitor",
          section.monitor
            ? `pid ${section.monitor.pid}: ${section.monitor.command.split(" ")[0]}`
            : "none: it does not run",
        ],
        ["log", `${log.driver}, ${log.size === undefined ? "nothing yet" : bytesSize(log.size)}`],
        ["log file", log.file],
        ["runtime", section.runtime],
        ["OCI config", section.bundle],
      ]),
    ],
    byHand: section.byHand,
    all,
  };
}
