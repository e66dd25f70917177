import type { HostConfig } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import { HOST_CONFIG } from "./create-body.ts";
import { checkShape } from "./shape.ts";

/** The body of an update: limits and the restart policy of a HostConfig. Throws invalid BAD_JSON. */
export function checkUpdateBody(body: HostConfig): void {
  checkShape(body, HOST_CONFIG);
}

const SMALLEST_KERNEL_MEMORY = 6 * 1024 * 1024;

/** Limits that came or went with an API version. Kernel memory went with 1.42; before that it was checked, at least. */
export function limitsOfVersion(limits: HostConfig, atLeast: (minor: number) => boolean): HostConfig {
  const { KernelMemory = 0, KernelMemoryTCP, ...others } = limits;
  const old = atLeast(42) ? 0 : KernelMemory;
  if (old !== 0 && old < SMALLEST_KERNEL_MEMORY) {
    throw new GantryError("invalid", "BAD_RESOURCES", "Minimum kernel memory limit allowed is 6MB");
  }
  return {
    ...others,
    ...(old !== 0 && { KernelMemory: old }),
    ...(KernelMemoryTCP !== undefined && atLeast(40) && { KernelMemoryTCP }),
  };
}
