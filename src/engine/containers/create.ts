import type { ContainerConfig, HostConfig, NetworkingConfig } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import type { ImageRecord } from "../images/contract.ts";
import type { ContainerDeps } from "./deps.ts";
import { planLinks } from "./links.ts";
import { mergeConfig } from "./merge-config.ts";
import { type ContainerRecord, NEVER } from "./record.ts";
import type { ContainerEntry } from "./registry.ts";
import { settleEndpoints, settleHostConfig } from "./settle-request.ts";
import { signalNumber } from "./signals.ts";
import { idMapOf } from "./user-namespace.ts";
import { validateHostConfig, withDefaults } from "./spec/validate.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export interface CreateRequest {
  name?: string;
  config: ContainerConfig;
  hostConfig: HostConfig;
  networking?: NetworkingConfig;
  platform?: string;
}

/** Throws invalid in Docker's words. */
export function requireContainerName(name: string): string {
  const bare = name.startsWith("/") ? name.slice(1) : name;
  if (!NAME.test(bare)) {
    throw new GantryError(
      "invalid",
      "BAD_NAME",
      `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    );
  }
  return bare;
}

/** Makes a container's record and its volumes; nothing of it touches the kernel before the start. */
export async function createContainer(
  deps: ContainerDeps,
  request: CreateRequest,
  hostHostname: string,
): Promise<{ entry: ContainerEntry; warnings: string[] }> {
  const { config, hostConfig } = request;
  if (!config.Image)
    throw new GantryError("invalid", "NO_IMAGE", "Config cannot be empty in order to create a container");
  const name = request.name ? requireContainerName(request.name) : freeName(deps);
  const image = deps.images.resolve(config.Image);
  requirePlatform(image, request.platform, config.Image);
  const merged = mergeConfig(config, image.config.config ?? {});
  const command = [...(merged.Entrypoint ?? []), ...(merged.Cmd ?? [])];
  if (command.length === 0) {
    throw new GantryError("invalid", "NO_COMMAND", "no command specified", {
      hint: "the image has neither CMD nor ENTRYPOINT: name a command after the image",
    });
  }
  if (merged.StopSignal) signalNumber(merged.StopSignal);
  const asked = settleHostConfig(hostConfig, deps.registry, deps.logDefaults);
  const warnings = validateHostConfig(merged, asked, deps.host.facts(), idMapOf(asked, deps.idMap) !== undefined);
  const host = withDefaults(asked, deps.host.facts());
  const mode = host.NetworkMode ?? "bridge";
  // the image's own ports do no harm
  if (mode.startsWith("container:") && Object.keys(config.ExposedPorts ?? {}).length > 0) {
    const words = "conflicting options: port exposing and the container type network mode";
    throw new GantryError("invalid", "BAD_CONFIG", words);
  }
  deps.runtime(host.Runtime ?? "");
  const links = planLinks(host, deps.registry);
  const id = deps.ids.id();
  const record: ContainerRecord = {
    id,
    name,
    created: deps.clock.stamp(),
    path: command[0] as string,
    args: command.slice(1),
    config: { ...merged, Hostname: merged.Hostname || (mode === "host" ? hostHostname : id.slice(0, 12)) },
    hostConfig: host,
    networking: settleEndpoints(mode, request.networking),
    ...(links.length > 0 ? { links } : {}),
    imageId: image.id,
    ...(image.chain.length > 0 ? { chainId: image.chain[image.chain.length - 1] } : {}),
    platform: image.config.os || "linux",
    mounts: [],
    state: {
      status: "created",
      exitCode: 0,
      error: "",
      oomKilled: false,
      startedAt: NEVER,
      finishedAt: NEVER,
      restartCount: 0,
      manuallyStopped: false,
      intent: "create",
      removeVolumes: true,
    },
  };
  // The name is taken first: of two creates with one name only one may make volumes.
  const entry = deps.registry.add(record);
  try {
    record.mounts = await deps.mounts.create(id, merged, host);
    Object.assign(record.state, { intent: undefined, removeVolumes: undefined });
    await deps.registry.saveDurably(entry);
  } catch (error) {
    deps.registry.remove(entry);
    throw error;
  }
  deps.publish(entry, "create");
  return { entry, warnings };
}

function freeName(deps: ContainerDeps): string {
  for (let attempt = 0; attempt < 20; attempt++) {
    const name = deps.ids.name();
    if (!deps.registry.named(name)) return name;
  }
  return `${deps.ids.name()}_${deps.ids.id().slice(0, 6)}`;
}

function requirePlatform(image: ImageRecord, wanted: string | undefined, reference: string): void {
  if (!wanted) return;
  const [os = "", architecture = ""] = wanted.split("/");
  if (os !== image.config.os || (architecture !== "" && architecture !== image.config.architecture)) {
    throw new GantryError(
      "notFound",
      "WRONG_PLATFORM",
      `image with reference ${reference} was found but its platform (${image.config.os}/${image.config.architecture}) does not match the specified platform (${wanted})`,
    );
  }
}
