import { GantryError, messageOf } from "../../base/errors.ts";
import { type IdMap, type Owner, ownerOutside, rootOf, type UserNamespace } from "../../base/id-map.ts";
import { logKeeping } from "../../base/logging/keeping.ts";
import { logSubject } from "../../base/logging/subject.ts";
import { Pace } from "../../base/pace.ts";
import type { Attachment, AttachRequest } from "../networks/contract.ts";
import { renderResolvConf } from "../networks/resolv.ts";
import type { ContainerDeps } from "./deps.ts";
import { renderHosts } from "./etc-files.ts";
import { withRequestedDevices } from "./inject-devices.ts";
import { namespacePath, requireJoinable } from "./joins.ts";
import { allowLinked, type ResolvedLinks, resolveLinks, tellLinked } from "./links.ts";
import { explainLogError, type LogShipping } from "./log-shipping.ts";
import { cgroupsPathOf, type ContainerRecord } from "./record.ts";
import { explainRefusal, refuseHopeless } from "./refusal.ts";
import type { ContainerEntry } from "./registry.ts";
import type { ResolvedMount, SpecFacts } from "./spec/facts.ts";
import { deviceLookups } from "./spec/facts.ts";
import type { ExecFacts } from "./spec/explain-exec.ts";
import { prepareWorkingDirectory } from "./spec/guards.ts";
import { ownsPidNamespace } from "./spec/namespaces.ts";
import { encodeSpec, planSpec, withCompiledSeccomp } from "./spec/plan.ts";
import { resolveUser } from "./spec/user.ts";
import { MARK, MOUNT_TABLE } from "./spec/stubs.ts";
import { hostnameOf, planStart, type StartStep } from "./start-plan.ts";
import { idMapOf, joinedUserNamespace } from "./user-namespace.ts";

const ETC_LIMIT = 4 * 1024 * 1024;
const AT_ONCE = 4;
/** Milliseconds after which a start or an undoing holds up the next one no more. */
const PATIENCE = 2000;

/** Steps are long calls of the kernel: in between, others have a turn of the event loop. */
const breath = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** What the steps of one start hand to one another. */
interface StartContext {
  rootfs: string;
  mounts: ResolvedMount[];
  attachment: Attachment;
  links: ResolvedLinks;
  /** The process's user on the host, where that is another than inside. */
  streamOwner?: Owner;
}

/** Carries a start out; on an error everything is undone and the error thrown. */
export class Starter {
  private readonly deps: ContainerDeps;
  private readonly shipping: Pick<LogShipping, "connect" | "disconnect">;
  private readonly hostHostname: string;
  /** A start and its undoing are a hundred system calls on one thread: of a crowd of them a few at a time. */
  private readonly pace: Pace;

  constructor(deps: ContainerDeps, shipping: Pick<LogShipping, "connect" | "disconnect">, hostHostname: string) {
    this.deps = deps;
    this.shipping = shipping;
    this.pace = new Pace(AT_ONCE, PATIENCE, (ms, fn) => deps.clock.after(ms, fn));
    this.hostHostname = hostHostname;
  }

  /** `checkpoint`: folder of the one to go on from. */
  async run(entry: ContainerEntry, checkpoint?: string): Promise<void> {
    const context: StartContext = {
      rootfs: "",
      mounts: [],
      attachment: { networks: {}, ports: {}, hosts: [], resolv: { nameservers: [], search: [], options: [] } },
      links: { hosts: [], env: [] },
    };
    this.deps.files.prepare(entry.id);
    try {
      await this.pace.run(async () => {
        for (const step of planStart(entry.record, this.hostHostname, checkpoint)) {
          await this.carryOut(step, entry, context);
          await breath();
        }
      });
    } catch (error) {
      await this.abandon(entry);
      throw error;
    }
  }

  /**
   * Undoes a start or run that has no orderly end: the monitor goes first, so that it records no exit of this run later,
   * then all that is in the control group, which a runtime that gave up half-way forgets.
   */
  async abandon(entry: ContainerEntry): Promise<void> {
    const { monitor } = entry.record.state;
    if (monitor) this.deps.monitor.abandon(monitor);
    await this.deps.cgroups.destroy(cgroupsPathOf(entry.record));
    await this.undo(entry);
  }

  /**
   * Takes down whatever a start or a run put up: process, control group, network, mounts. Repeatable, and goes on past
   * errors; the container's files and its writable layer stay.
   */
  undo(entry: ContainerEntry): Promise<void> {
    return this.pace.run(() => this.takeDown(entry));
  }

  private async takeDown(entry: ContainerEntry): Promise<void> {
    const { record } = entry;
    const { deps } = this;
    const attempts = await Promise.allSettled([
      deps.runtime(record.hostConfig.Runtime ?? "").remove(record.id),
      deps.networking.detach(record.id),
    ]);
    attempts.push(
      ...(await Promise.allSettled([
        // who uses it from outside unmounts it in the end
        entry.uses.size > 0 ? undefined : deps.layers.unmount(record.id),
        deps.mounts.release(record),
        (async () => deps.files.removeBundle(record.id))(),
        (async () => deps.cgroups.removeFolders(cgroupsPathOf(record)))(),
      ])),
    );
    this.shipping.disconnect(entry);
    deps.monitor.forgetExit(record.id);
    for (const attempt of attempts) {
      if (attempt.status === "rejected") {
        deps.logger.error("taking a container down", { container: record.id, error: messageOf(attempt.reason) });
      }
    }
    record.attachment = undefined;
    record.state.process = undefined;
    record.state.monitor = undefined;
  }

  private async carryOut(step: StartStep, entry: ContainerEntry, context: StartContext): Promise<void> {
    const { deps } = this;
    const { record } = entry;
    switch (step.do) {
      case "mount-rootfs":
        context.rootfs = (
          await deps.layers.mount(record.id, step.chainId, { remapped: this.idMapOf(record) !== undefined })
        ).mountPoint;
        return;
      case "check-rootfs":
        deps.rootfs.checkSpecialFolders(context.rootfs);
        deps.rootfs.ensureTopFile(context.rootfs, MARK);
        deps.rootfs.ensureLink(context.rootfs, MOUNT_TABLE.path, MOUNT_TABLE.target, {
          ...rootOf(this.idMapOf(record)),
          mode: 0o755,
        });
        return;
      case "prepare-mounts":
        context.mounts = await deps.mounts.prepare(record, context.rootfs);
        return;
      case "attach-network":
        context.attachment = await deps.networking.attach({ ...step.request, ...this.wishForUserNamespace(record) });
        record.attachment = context.attachment;
        context.links = resolveLinks(record, context.attachment.networks, deps.registry);
        allowLinked(deps, record);
        return;
      case "join-network":
        context.attachment = this.join(record, step.of);
        record.attachment = { ...context.attachment, networks: {}, ports: {} };
        return;
      case "write-etc":
        this.writeEtc(record, context);
        return;
      case "write-spec":
        deps.files.write(record.id, { spec: this.specText(record, context) });
        return;
      case "open-log":
        await this.openLog(entry);
        return;
      case "create-process":
        await this.createProcess(entry, context, step.runtime);
        return;
      case "restore-process":
        await this.createProcess(entry, context, step.runtime, step.checkpoint);
        return;
      case "start-process":
        await deps.runtime(step.runtime).start(record.id);
        tellLinked(deps, record);
        return;
    }
  }

  /** Options that make no sense, and receivers that are not there, are errors of the start. */
  private async openLog(entry: ContainerEntry): Promise<void> {
    const { record } = entry;
    const { Type: driver = "", Config: options = {} } = record.hostConfig.LogConfig ?? {};
    if (driver === "none") return;
    try {
      logKeeping(driver, options);
      record.logSubject = logSubject(driver, options, {
        containerId: record.id,
        containerName: record.name,
        imageId: record.imageId,
        imageName: record.config.Image ?? "",
        created: record.created,
        entrypoint: record.path,
        args: record.args,
        labels: record.config.Labels ?? {},
        env: record.config.Env ?? [],
        hostname: this.hostHostname,
      });
      await this.shipping.connect(entry);
    } catch (error) {
      throw explainLogError(error);
    }
  }

  private async createProcess(
    entry: ContainerEntry,
    context: StartContext,
    runtime: string,
    restore?: string,
  ): Promise<void> {
    const { deps } = this;
    const { record } = entry;
    const paths = deps.files.paths(record.id);
    const logged = record.hostConfig.LogConfig?.Type !== "none";
    const command = this.commandFacts(record, context);
    refuseHopeless(deps.rootfs, command, () => deps.host.runsForeignFormats());
    try {
      const handles = await deps.monitor.create({
        id: record.id,
        bundle: paths.bundle,
        runtime,
        tty: record.config.Tty ?? false,
        stdin: record.config.OpenStdin ?? false,
        stdinOnce: record.config.StdinOnce ?? false,
        ...(logged ? { logPath: paths.log } : {}),
        ...(restore === undefined ? {} : { restore }),
        ...(context.streamOwner ? { streamOwner: context.streamOwner } : {}),
      });
      record.state.process = handles.container;
      record.state.monitor = handles.monitor;
    } catch (error) {
      throw explainRefusal(error, deps.rootfs, command);
    }
    entry.created.fire();
  }

  private commandFacts(record: ContainerRecord, context: StartContext): ExecFacts {
    return {
      root: context.rootfs,
      args: [record.path, ...record.args],
      env: record.config.Env ?? [],
      cwd: record.config.WorkingDir || "/",
      architecture: this.deps.host.facts().architecture,
      covered: context.mounts.map((mount) => mount.destination),
    };
  }

  /** The other's network; and, as docker does, its host name. */
  private join(record: ContainerRecord, reference: string): Attachment {
    const other = this.deps.registry.find(reference);
    const { attachment } = other.record;
    requireJoinable(other, `cannot join network of a non running container: ${other.id}`);
    if (!attachment) throw new Error(`container ${other.id} runs and has no network`);
    record.config = { ...record.config, Hostname: hostnameOf(other.record, this.hostHostname) };
    return { ...attachment, userns: this.joinedUserNamespace(record) };
  }

  private writeEtc(record: ContainerRecord, context: StartContext): void {
    const { files } = this.deps;
    const etc = {
      hosts: renderHosts(context.attachment, record.hostConfig, {
        gateway: this.deps.networking.hostGateway(),
        linked: context.links.hosts,
      }),
      resolvConf: renderResolvConf(context.attachment.resolv),
      hostname: `${hostnameOf(record, this.hostHostname)}\n`,
    };
    files.write(record.id, etc, rootOf(this.idMapOf(record)));
  }

  private specFacts(record: ContainerRecord, context: StartContext): SpecFacts {
    const { deps } = this;
    const paths = deps.files.paths(record.id);
    const read = (file: string): string =>
      deps.rootfs.readFile(context.rootfs, file, ETC_LIMIT)?.toString("utf8") ?? "";
    const joined: { pid?: string; ipc?: string } = {};
    const pid = this.namespaceOf(record.hostConfig.PidMode, "pid");
    const ipc = this.namespaceOf(record.hostConfig.IpcMode, "ipc");
    if (pid) joined.pid = pid;
    if (ipc) joined.ipc = ipc;
    const cwd = record.config.WorkingDir;
    const user = resolveUser(
      record.config.User,
      read("/etc/passwd"),
      read("/etc/group"),
      record.hostConfig.GroupAdd ?? [],
    );
    const map = this.idMapOf(record);
    const owner = ownerOutside(map, user) ?? rootOf(map);
    if (map !== undefined) context.streamOwner = owner;
    if (cwd) prepareWorkingDirectory(deps.rootfs, context.rootfs, cwd, { ...owner, mode: 0o755 });
    return {
      id: record.id,
      name: record.name,
      config: { ...record.config, Entrypoint: [], Cmd: [record.path, ...record.args] },
      hostConfig: record.hostConfig,
      rootfs: context.rootfs,
      hostname: hostnameOf(record, this.hostHostname),
      user,
      netns: context.attachment.netns,
      userns: context.attachment.userns,
      joined,
      linkedEnv: context.links.env,
      mounts: context.mounts,
      files: { hosts: paths.hosts, resolvConf: paths.resolvConf, hostname: paths.hostname },
      initBinary: this.wantsInit(record) ? this.requireInit() : undefined,
      devices: Object.fromEntries(deviceLookups(record.hostConfig).map((path) => [path, deps.host.devices(path)])),
      host: deps.host.facts(),
    };
  }

  private idMapOf(record: ContainerRecord): IdMap | undefined {
    return idMapOf(record.hostConfig, this.deps.idMap);
  }

  private joinedUserNamespace(record: ContainerRecord): UserNamespace | undefined {
    if (this.idMapOf(record) === undefined) return undefined;
    return joinedUserNamespace(record, (reference) => this.deps.registry.find(reference).record);
  }

  private wishForUserNamespace(record: ContainerRecord): Pick<AttachRequest, "userns"> {
    const map = this.idMapOf(record);
    return map === undefined ? {} : { userns: this.joinedUserNamespace(record) ?? { map } };
  }

  private specText(record: ContainerRecord, context: StartContext): string {
    const spec = withRequestedDevices(this.deps, planSpec(this.specFacts(record, context)), record);
    return encodeSpec(withCompiledSeccomp(spec, this.deps.seccomp));
  }

  /** Where another process is the first of the PID namespace, that one reaps. */
  private wantsInit({ hostConfig }: ContainerRecord): boolean {
    return ownsPidNamespace(hostConfig) && (hostConfig.Init ?? this.deps.initByDefault);
  }

  private requireInit(): string {
    if (this.deps.initBinary) return this.deps.initBinary;
    throw new GantryError("unavailable", "NO_INIT", "no init program found for --init", {
      hint: "apt-get install tini",
    });
  }

  /** `container:X`'s namespace as a path. */
  private namespaceOf(mode: string | undefined, kind: "pid" | "ipc"): string | undefined {
    if (!mode?.startsWith("container:")) return undefined;
    return namespacePath(this.deps.registry.find(mode.slice("container:".length)), kind);
  }
}
