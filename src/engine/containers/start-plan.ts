import type { ContainerRecord } from "./record.ts";
import type { AttachRequest } from "../networks/contract.ts";
import { dnsWish } from "./etc-files.ts";

/**
 * What a start does, in order, as data. Each step can be repeated, and has an undo that the executor knows; a daemon
 * that finds a start cut short undoes all of them.
 */
export type StartStep =
  | { do: "mount-rootfs"; chainId: string | undefined }
  | { do: "check-rootfs" }
  | { do: "prepare-mounts" }
  | { do: "attach-network"; request: AttachRequest }
  | { do: "join-network"; of: string }
  | { do: "write-etc" }
  | { do: "write-spec" }
  | { do: "open-log" }
  | { do: "create-process"; runtime: string }
  | { do: "restore-process"; runtime: string; checkpoint: string }
  | { do: "start-process"; runtime: string };

/** `checkpoint`: folder of the one to go on from. */
export function planStart(record: ContainerRecord, hostHostname: string, checkpoint?: string): StartStep[] {
  const mode = record.hostConfig.NetworkMode ?? "default";
  const runtime = record.hostConfig.Runtime ?? "";
  return [
    { do: "mount-rootfs", chainId: record.chainId },
    { do: "check-rootfs" },
    { do: "prepare-mounts" },
    mode.startsWith("container:")
      ? { do: "join-network", of: mode.slice("container:".length) }
      : { do: "attach-network", request: attachRequest(record, hostHostname) },
    { do: "write-etc" },
    { do: "write-spec" },
    { do: "open-log" },
    ...(checkpoint === undefined
      ? [{ do: "create-process", runtime } as const, { do: "start-process", runtime } as const]
      : [{ do: "restore-process", runtime, checkpoint } as const]),
  ];
}

/** The name a container calls itself: its own, else the short id; with the host's UTS namespace or network, the host's. */
export function hostnameOf(record: ContainerRecord, hostHostname: string): string {
  if (record.hostConfig.UTSMode === "host") return hostHostname;
  if (record.config.Hostname) return record.config.Hostname;
  return record.hostConfig.NetworkMode === "host" ? hostHostname : record.id.slice(0, 12);
}

function attachRequest(record: ContainerRecord, hostHostname: string): AttachRequest {
  return {
    containerId: record.id,
    containerName: record.name,
    hostname: hostnameOf(record, hostHostname),
    networkMode: record.config.NetworkDisabled ? "none" : (record.hostConfig.NetworkMode ?? "default"),
    endpoints: record.config.NetworkDisabled ? {} : record.networking,
    exposedPorts: Object.keys(record.config.ExposedPorts ?? {}),
    portBindings: record.hostConfig.PortBindings ?? {},
    publishAll: record.hostConfig.PublishAllPorts ?? false,
    ...(record.before && { before: record.before }),
    dns: dnsWish(record.hostConfig),
  };
}
