import type {
  ContainerExplanation,
  ImageExplanation,
  MonitorSection,
  NetworkExplanation,
  OverviewSection,
} from "../../base/explanation.ts";
import { type ContainerRecord, isUp, NEVER } from "../containers/record.ts";
import type { ExplainerDeps } from "./deps.ts";
import { explainEnded, hasEnded } from "./ended.ts";
import { explainFiles, layerFacts } from "./files.ts";
import { explainImage } from "./image.ts";
import { explainLive, type LiveSections } from "./live.ts";
import { explainNetworkObject, type FirewallState } from "./network.ts";
import { byHand, word } from "./words.ts";

export const SECTIONS = [
  "processes",
  "namespaces",
  "cgroup",
  "capabilities",
  "security",
  "files",
  "network",
  "monitor",
] as const;
export type SectionName = (typeof SECTIONS)[number];

const NOT_RUNNING = "not running: the kernel has nothing of it; below is what the engine kept";
const JUST_ENDED = "it has just ended: the kernel has nothing of it any more, and the engine is taking note; ask again";

/** Tells what containers, images and networks are, in the kernel's terms. */
export class Explainer {
  private readonly deps: ExplainerDeps;

  constructor(deps: ExplainerDeps) {
    this.deps = deps;
  }

  /** `wanted`: the sections beside overview and end. Throws notFound NO_SUCH_CONTAINER. */
  async container(reference: string, wanted: readonly SectionName[] = SECTIONS): Promise<ContainerExplanation> {
    const { record } = this.deps.containers.find(reference);
    const live = await explainLive(this.deps, record, this.firewall);
    const wants = (name: SectionName): boolean => wanted.includes(name);
    const chosen = Object.fromEntries(
      Object.entries(live?.sections ?? {}).filter(([name]) => wants(name as SectionName)),
    ) as Partial<LiveSections>;
    const files = wants("files") ? await explainFiles(this.deps, record, live?.mounts, live?.pid) : undefined;
    return {
      kind: "container",
      id: record.id,
      name: record.name,
      running: live !== undefined,
      overview: this.overview(record, live),
      ...(live === undefined && hasEnded(record) && { end: await explainEnded(this.deps, record) }),
      ...chosen,
      ...(files && { files }),
      ...(wants("monitor") && { monitor: await this.monitor(record, live !== undefined) }),
    };
  }

  /** Throws notFound NO_SUCH_IMAGE. */
  image(reference: string): ImageExplanation {
    const record = this.deps.images.resolve(reference);
    const users = this.deps.containers
      .all()
      .filter(({ imageId }) => imageId === record.id)
      .map((user) => ({ name: user.name, running: isUp(user) }));
    return explainImage(record, {
      names: this.deps.images.tagsOf(record.id),
      containers: users,
      blobsRoot: this.deps.blobsRoot,
      ...layerFacts(this.deps),
    });
  }

  /** Throws notFound NO_SUCH_NETWORK. */
  network(reference: string): NetworkExplanation {
    const record = this.deps.networks.record(reference);
    return explainNetworkObject({
      record,
      view: this.deps.networks.inspect(record.id),
      host: this.deps.links.state(),
      firewall: this.firewall(),
    });
  }

  private readonly firewall = (): FirewallState | undefined => {
    const held = this.deps.firewall.chains();
    return held && { ...held, published: this.deps.firewall.published() ?? [] };
  };

  private overview(record: ContainerRecord, live: { pid: number; summary: string } | undefined): OverviewSection {
    const { state, hostConfig } = record;
    const policy = hostConfig.RestartPolicy?.Name || "no";
    const retries = hostConfig.RestartPolicy?.MaximumRetryCount;
    const last = state.health?.Log.at(-1)?.Output.trim();
    return {
      status: state.status,
      ...(live && { pid: live.pid }),
      command: [record.path, ...record.args],
      image: this.deps.imageName(record),
      networks: Object.keys(record.networking),
      created: record.created,
      ...(state.startedAt !== NEVER && { startedAt: state.startedAt }),
      ...(state.finishedAt !== NEVER && { finishedAt: state.finishedAt }),
      restarts: state.restartCount,
      restartPolicy: retries ? `${policy}:${retries}` : policy,
      ...(state.health && {
        health: {
          status: state.health.Status,
          failingStreak: state.health.FailingStreak,
          ...(last && { last }),
        },
      }),
      summary: live?.summary ?? (isUp(record) ? JUST_ENDED : NOT_RUNNING),
      byHand: [
        byHand(`gantry inspect ${word(record.name)}`, "the configuration, where this is what came of it"),
        ...(live ? [byHand(`cat /proc/${live.pid}/status`, "process 1 in the kernel's words")] : []),
      ],
    };
  }

  private async monitor(record: ContainerRecord, running: boolean): Promise<MonitorSection> {
    const { deps } = this;
    const paths = deps.files.paths(record.id);
    const handle = record.state.monitor;
    const alive = running && handle !== undefined && deps.monitor.alive(handle);
    const [process] = alive ? await deps.kernel.processes([handle.pid]) : [];
    const size = deps.logSize(paths.log);
    return {
      ...(process && { monitor: { pid: process.pid, command: process.command.join(" ") } }),
      log: {
        driver: record.hostConfig.LogConfig?.Type ?? "",
        file: paths.log,
        ...(size !== undefined && { size }),
      },
      runtime: record.hostConfig.Runtime || deps.defaultRuntime,
      ...(running && { bundle: `${paths.bundle}/config.json` }),
      byHand: [
        ...(process
          ? [
              byHand(
                `ps -o pid,ppid,args -p ${process.pid}`,
                "conmon: holds output, terminal and exit code, outlives the engine",
              ),
              byHand(`ls -l /proc/${process.pid}/fd`, "the container's pipes and its log, held open"),
            ]
          : []),
        ...(size === undefined ? [] : [byHand(`tail -n 5 ${word(paths.log)}`, "the log as it is on the disk")]),
        ...(running
          ? [byHand(`cat ${word(`${paths.bundle}/config.json`)}`, "what the runtime was told (OCI config)")]
          : []),
      ],
    };
  }
}
