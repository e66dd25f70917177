import { createHash } from "node:crypto";
import type { ContainerConfig } from "../base/container-config.ts";
import type { Digest, HistoryEntry, ImageConfig, Platform } from "../base/image-config.ts";
import type { ImageRecord } from "../engine/images/contract.ts";
import { DEFAULT_PATH, envValue } from "./metadata.ts";

/** A stage as far as it is built. Values: a step makes a new one. */
export interface StageState {
  /** Shown as ` ---> id`; "" for scratch. */
  imageId: string;
  /** Bottom first. */
  chain: Digest[];
  diffIds: Digest[];
  config: ContainerConfig;
  history: HistoryEntry[];
  created?: string;
  author?: string;
  platform: Platform;
  /** The image it began with, as long as no step changed anything. */
  untouched?: ImageRecord;
}

/** FROM scratch. */
export function emptyState(platform: Platform): StageState {
  const config: ContainerConfig = { Env: [`PATH=${DEFAULT_PATH}`] };
  return { imageId: "", chain: [], diffIds: [], config, history: [], platform };
}

/** FROM an image; a missing PATH is filled in, as Docker does. */
export function stateOf(image: ImageRecord): StageState {
  const { config: settings = {}, history = [], created, author, os, architecture, variant, rootfs } = image.config;
  const env = settings.Env ?? [];
  return {
    imageId: image.id,
    chain: image.chain,
    diffIds: rootfs.diff_ids,
    config: { ...settings, Env: envValue(env, "PATH") === undefined ? [...env, `PATH=${DEFAULT_PATH}`] : env },
    history,
    ...(created === undefined ? {} : { created }),
    ...(author === undefined ? {} : { author }),
    platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
    untouched: image,
  };
}

/** The image configuration without its layers, as ImageSource.add takes it. */
export function imageConfigOf(state: StageState): Omit<ImageConfig, "rootfs"> {
  return {
    architecture: state.platform.architecture,
    os: state.platform.os,
    ...(state.platform.variant === undefined ? {} : { variant: state.platform.variant }),
    ...(state.created === undefined ? {} : { created: state.created }),
    ...(state.author === undefined ? {} : { author: state.author }),
    config: state.config,
    history: state.history,
  };
}

/** The id an image of this state would have; stable, and shown for steps that are not stored. */
export function provisionalId(state: StageState): Digest {
  const config: ImageConfig = { ...imageConfigOf(state), rootfs: { type: "layers", diff_ids: state.diffIds } };
  return `sha256:${createHash("sha256").update(JSON.stringify(config)).digest("hex")}`;
}

/** Docker's short form of an id. */
export const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);
