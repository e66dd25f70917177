import type { Duplex } from "node:stream";
import { messageOf } from "../../base/errors.ts";
import { type IdMap, type Owner, ownerOutside, rootOf } from "../../base/id-map.ts";
import type { HostConfig } from "../../base/container-config.ts";
import type { StepFile, StepFiles } from "../../ports/step-files.ts";
import type { ContainerDeps } from "./deps.ts";
import { renderResolvConf } from "../networks/resolv.ts";
import { dnsWish, renderHosts } from "./etc-files.ts";
import { explainRefusal } from "./refusal.ts";
import { runOnTerminal, type RunTerminal } from "./run-terminal.ts";
import type { ResolvedMount } from "./spec/facts.ts";
import { refuseMountTarget } from "./spec/guards.ts";
import { encodeSpec, planSpec, withCompiledSeccomp } from "./spec/plan.ts";
import { resolveUser } from "./spec/user.ts";
import { refuseInUserNamespace } from "./spec/validate.ts";
import { idMapOf, usernsDiffers } from "./user-namespace.ts";

const ETC_LIMIT = 4 * 1024 * 1024;

/** A mount of RUN `--mount`; `target` is an absolute path in the container. */
export type RunMount = BindMount | TmpfsMount | SecretMount | AgentMount;

interface BindMount {
  type: "bind";
  /** Host path. */
  source: string;
  target: string;
  readonly: boolean;
}

interface TmpfsMount {
  type: "tmpfs";
  target: string;
  readonly: boolean;
  /** Bytes. */
  size?: number;
}

/** A file that no disk holds and that nothing keeps. */
interface SecretMount extends Owner {
  type: "secret";
  target: string;
  data: Buffer;
  mode: number;
}

/** A socket; each connection to it is handed over. */
interface AgentMount extends Owner {
  type: "agent";
  target: string;
  mode: number;
  onConnection: (connection: Duplex) => void;
}

/** One RUN: a process in a container on a mounted tree. */
export interface OneRun {
  /** 64 hex digits, as a container's id; kernel objects take their names from it. */
  id: string;
  /** The workspace that `rootfs` is. */
  workspaceId: string;
  /** Mounted and writable. Files that the container only borrows (/etc/resolv.conf, /etc/hosts) must be mounts. */
  rootfs: string;
  args: string[];
  env: string[];
  cwd: string;
  /** USER as in the image: name, uid, uid:gid …; looked up inside rootfs. "" is root. */
  user: string;
  hostname: string;
  /** NetworkMode, ExtraHosts, ShmSize and resource limits of the build. */
  hostConfig: HostConfig;
  mounts: RunMount[];
  onOutput: (stream: "stdout" | "stderr", chunk: Buffer) => void;
  /** Somebody at a terminal, who has the output instead. */
  terminal?: RunTerminal;
  signal: AbortSignal;
}

export type OneRunDeps = Pick<
  ContainerDeps,
  "networking" | "rootfs" | "files" | "runtime" | "monitor" | "host" | "logger" | "seccomp" | "layers" | "idMap"
> & { stepFiles: StepFiles };

/**
 * Runs a command in a container of its own to its end, without a record: a build's RUN. Nothing of it is left afterwards;
 * what a killed daemon leaves, the sweep finds by the id. Resolves with the exit code; 0 on a terminal, whatever it was.
 */
export async function runOnce(deps: OneRunDeps, run: OneRun): Promise<number> {
  const { id, hostConfig, terminal } = run;
  const size = terminal?.size;
  const map = idMapOf(hostConfig, deps.idMap);
  let { rootfs } = run;
  const runtime = deps.runtime(hostConfig.Runtime ?? "");
  deps.rootfs.checkSpecialFolders(rootfs);
  for (const { target } of run.mounts) {
    if (!target.startsWith("/dev/pipes/")) refuseMountTarget(target, deps.rootfs.resolve(rootfs, target), false);
  }
  deps.files.prepare(id);
  const paths = deps.files.paths(id);
  const made: StepFile[] = [];
  try {
    if (map !== undefined) rootfs = (await deps.layers.remount(run.workspaceId, { remapped: true })).mountPoint;
    if (map !== undefined) refuseInUserNamespace(hostConfig);
    const attachment = await deps.networking.attach({
      containerId: id,
      containerName: `build-${id.slice(0, 12)}`,
      hostname: run.hostname,
      networkMode: hostConfig.NetworkMode ?? "default",
      endpoints: {},
      exposedPorts: [],
      portBindings: {},
      publishAll: false,
      dns: dnsWish(hostConfig),
      ...(map && { userns: { map } }),
    });
    if (map !== undefined && attachment.userns === undefined)
      throw usernsDiffers("network", hostConfig.NetworkMode ?? "");
    const mounts: ResolvedMount[] = [];
    for (const mount of run.mounts) mounts.push(await resolved(deps, mount, map, made));
    const read = (file: string): string => deps.rootfs.readFile(rootfs, file, ETC_LIMIT)?.toString("utf8") ?? "";
    const spec = planSpec({
      id,
      name: id,
      config: { Cmd: run.args, Env: run.env, WorkingDir: run.cwd, ...(run.terminal && { Tty: true }) },
      hostConfig: size === undefined ? hostConfig : { ...hostConfig, ConsoleSize: [size.height, size.width] },
      rootfs,
      hostname: run.hostname,
      user: resolveUser(run.user, read("/etc/passwd"), read("/etc/group"), []),
      ...(attachment.netns ? { netns: attachment.netns } : {}),
      ...(attachment.userns ? { userns: attachment.userns } : {}),
      mounts,
      files: { hosts: paths.hosts, resolvConf: paths.resolvConf, hostname: paths.hostname },
      host: deps.host.facts(),
    });
    deps.files.write(
      id,
      {
        spec: encodeSpec(withCompiledSeccomp(spec, deps.seccomp)),
        hosts: renderHosts(attachment, hostConfig, { gateway: deps.networking.hostGateway() }),
        resolvConf: renderResolvConf(attachment.resolv),
        hostname: `${run.hostname}\n`,
      },
      rootOf(map),
    );
    if (terminal) {
      const place = { id, bundle: paths.bundle, runtime: hostConfig.Runtime ?? "" };
      await runOnTerminal(deps, place, terminal, run.signal);
      return 0;
    }
    return await runtime.runToEnd(id, paths.bundle, { onOutput: run.onOutput, signal: run.signal });
  } catch (error) {
    throw explainRefusal(error, deps.rootfs, {
      root: rootfs,
      args: run.args,
      env: run.env,
      cwd: run.cwd,
      architecture: deps.host.facts().architecture,
      covered: run.mounts.map((mount) => mount.target),
    });
  } finally {
    const attempts = await Promise.allSettled([
      deps.networking.detach(id),
      (async () => deps.files.remove(id))(),
      (async () => map && deps.layers.remount(run.workspaceId, {}))(), // whoever gave it goes on with it
      ...made.map(async (file) => file.remove()),
    ]);
    for (const attempt of attempts) {
      if (attempt.status === "rejected") {
        deps.logger.error("taking a build step down", { id, error: messageOf(attempt.reason) });
      }
    }
  }
}

async function resolved(
  deps: OneRunDeps,
  mount: RunMount,
  map: IdMap | undefined,
  made: StepFile[],
): Promise<ResolvedMount> {
  const { target: destination } = mount;
  if (mount.type === "tmpfs") {
    const options = mount.size ? { options: [`size=${mount.size}`] } : {};
    return { type: "tmpfs", source: "", destination, readOnly: mount.readonly, ...options };
  }
  if (mount.type === "bind") {
    const source = map === undefined ? mount.source : deps.layers.remapped(mount.source);
    return { type: "bind", source, destination, readOnly: mount.readonly };
  }
  const owner = ownerOutside(map, mount) ?? rootOf(map);
  const file =
    mount.type === "secret"
      ? deps.stepFiles.secret(mount.data, owner, mount.mode)
      : await deps.stepFiles.socket(owner, mount.mode, mount.onConnection);
  made.push(file);
  return { type: "bind", source: file.path, destination, readOnly: mount.type === "secret" };
}
