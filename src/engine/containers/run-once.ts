import { messageOf } from "../../base/errors.ts";
import { rootOf } from "../../base/id-map.ts";
import type { HostConfig } from "../../base/container-config.ts";
import type { ContainerDeps } from "./deps.ts";
import { renderResolvConf } from "../networks/resolv.ts";
import { dnsWish, renderHosts } from "./etc-files.ts";
import { explainRefusal } from "./refusal.ts";
import type { ResolvedMount } from "./spec/facts.ts";
import { refuseMountTarget } from "./spec/guards.ts";
import { encodeSpec, planSpec, withCompiledSeccomp } from "./spec/plan.ts";
import { resolveUser } from "./spec/user.ts";
import { refuseInUserNamespace } from "./spec/validate.ts";
import { idMapOf, usernsDiffers } from "./user-namespace.ts";

const ETC_LIMIT = 4 * 1024 * 1024;

/** A mount of RUN `--mount`. */
export interface RunMount {
  type: "bind" | "tmpfs";
  /** Host path; bind only. */
  source?: string;
  /** Absolute path in the container. */
  target: string;
  readonly: boolean;
  /** Bytes, tmpfs only. */
  size?: number;
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
  signal: AbortSignal;
}

export type OneRunDeps = Pick<
  ContainerDeps,
  "networking" | "rootfs" | "files" | "runtime" | "host" | "logger" | "seccomp" | "layers" | "idMap"
>;

/**
 * Runs a command in a container of its own to its end, without a monitor or a record: a build's RUN. Nothing of it is
 * left afterwards; what a killed daemon leaves, the sweep finds by the id. Resolves with the exit code.
 */
export async function runOnce(deps: OneRunDeps, run: OneRun): Promise<number> {
  const { id, hostConfig } = run;
  const map = idMapOf(hostConfig, deps.idMap);
  let { rootfs } = run;
  const runtime = deps.runtime(hostConfig.Runtime ?? "");
  deps.rootfs.checkSpecialFolders(rootfs);
  for (const { target } of run.mounts) {
    if (!target.startsWith("/dev/pipes/")) refuseMountTarget(target, deps.rootfs.resolve(rootfs, target), false);
  }
  deps.files.prepare(id);
  const paths = deps.files.paths(id);
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
    const read = (file: string): string => deps.rootfs.readFile(rootfs, file, ETC_LIMIT)?.toString("utf8") ?? "";
    const spec = planSpec({
      id,
      name: id,
      config: { Cmd: run.args, Env: run.env, WorkingDir: run.cwd },
      hostConfig,
      rootfs,
      hostname: run.hostname,
      user: resolveUser(run.user, read("/etc/passwd"), read("/etc/group"), []),
      ...(attachment.netns ? { netns: attachment.netns } : {}),
      ...(attachment.userns ? { userns: attachment.userns } : {}),
      mounts: run.mounts
        .map(toResolved)
        .map((mount) => (map === undefined ? mount : { ...mount, source: deps.layers.remapped(mount.source) })),
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
    ]);
    for (const attempt of attempts) {
      if (attempt.status === "rejected") {
        deps.logger.error("taking a build step down", { id, error: messageOf(attempt.reason) });
      }
    }
  }
}

function toResolved(mount: OneRun["mounts"][number]): ResolvedMount {
  return {
    type: mount.type,
    source: mount.source ?? "",
    destination: mount.target,
    readOnly: mount.readonly,
    ...(mount.type === "tmpfs" && mount.size ? { options: [`size=${mount.size}`] } : {}),
  };
}
