import { GantryError } from "../../base/errors.ts";
import type { VolumeMountOptions } from "../../ports/volume-files.ts";

/** A volume as the index keeps it (bucket `volumes`, key: the name). */
export interface VolumeRecord {
  name: string;
  /** "local", or the plugin that keeps it. */
  driver: string;
  /** RFC 3339. */
  created: string;
  labels: Record<string, string>;
  /** Driver options as given: type, device, o. */
  options: Record<string, string>;
  /** Begun and not finished. Nobody sees the volume; the next daemon removes it, since nobody was told of one to be made. */
  intent?: "create" | "fill" | "remove";
  /** The name that its folder has until the rename is finished. */
  movedFrom?: string;
  /** The last time that a container began or ended to use it. */
  lastUse?: { at: string; container: string };
  /** The container that an anonymous one was made for. */
  madeFor?: string;
  /** Containers for which a volume with options, or a plugin's, is mounted. */
  mountedFor?: string[];
  /** Of a plugin's: its folder when it was last mounted. */
  mountpoint?: string;
}

/** A volume as it is shown. */
export interface Volume {
  record: VolumeRecord;
  /** "" for a plugin's that is mounted nowhere. */
  mountpoint: string;
  scope: "local" | "global";
  /** What its plugin says of it. */
  status?: Record<string, unknown>;
}

export const LOCAL = "local";

export const VOLUMES = "volumes";

/** Docker marks with it what nobody has named. */
export const ANONYMOUS_LABEL = "com.docker.volume.anonymous";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Throws invalid BAD_VOLUME_NAME in Docker's words. Names are folder names: this keeps them inside the data root. */
export function checkVolumeName(name: string): void {
  if (name.length === 1 && NAME.test(name)) {
    throw new GantryError(
      "invalid",
      "BAD_VOLUME_NAME",
      `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
    );
  }
  if (NAME.test(name) && name.length <= 255) return;
  throw new GantryError(
    "invalid",
    "BAD_VOLUME_NAME",
    `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}

const OPTIONS = new Set(["type", "device", "o"]);

const badOptions = (name: string, why: string): GantryError =>
  new GantryError("invalid", "BAD_VOLUME_OPTIONS", `create ${name}: ${why}`);

/** The local driver's options: all of type and device, or none. Throws invalid BAD_VOLUME_OPTIONS. */
export function checkVolumeOptions(name: string, options: Record<string, string>): void {
  const given = Object.keys(options);
  const unknown = given.find((key) => !OPTIONS.has(key));
  if (unknown !== undefined) throw badOptions(name, `invalid option: ${JSON.stringify(unknown)}`);
  if (given.length === 0) return;
  for (const key of ["device", "type"]) {
    if (!options[key]) throw badOptions(name, `missing required option: ${JSON.stringify(key)}`);
  }
  if (Object.values(options).some((value) => value.includes("\0")))
    throw badOptions(name, "an option holds a NUL byte");
}

/** What to mount over the volume's folder while it is used; undefined for a plain one. */
export function mountOptionsOf(record: VolumeRecord): VolumeMountOptions | undefined {
  const { type, device, o } = record.options;
  if (type === undefined || device === undefined) return undefined;
  return { type, device, ...(o !== undefined && { o }) };
}

/** Whose data it is instead, if the volume's own folder does not have it. */
export function keeperOf(record: VolumeRecord): string | undefined {
  if (record.driver !== LOCAL) return `kept by plugin ${record.driver}`;
  const options = mountOptionsOf(record);
  return options && `mounted from ${options.device}`;
}

export const isAnonymous = (record: VolumeRecord): boolean => Object.hasOwn(record.labels, ANONYMOUS_LABEL);
