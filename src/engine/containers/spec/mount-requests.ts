import path from "node:path";
import type { ContainerConfig, HostConfig, MountSpec } from "../../../base/container-config.ts";
import { GantryError, messageOf } from "../../../base/errors.ts";
import { isPropagation, looksLikeMode, readMode } from "./mount-modes.ts";
import { tmpfsOptions } from "./tmpfs-options.ts";

/** One mount as it was asked for, before anything exists. */
export type MountRequest = BindRequest | VolumeRequest | TmpfsRequest | ImageMountRequest;

interface Common {
  /** Absolute and clean. */
  destination: string;
  readOnly: boolean;
  /** As inspect shows it. */
  mode: string;
}

export interface BindRequest extends Common {
  type: "bind";
  source: string;
  /** "": nothing was said. */
  propagation: string;
  nonRecursive: boolean;
  submounts: ReadOnlySubmounts;
  /** `-v` makes a missing source; `--mount` does not. */
  createSource: boolean;
}

/**
 * Of a read-only bind, what is mounted below its source: read-only too where the kernel can ("asked"), left writable, or
 * refused where the kernel can't.
 */
export type ReadOnlySubmounts = "asked" | "writable" | "required";

export interface VolumeRequest extends Common {
  type: "volume";
  /** undefined: anonymous. */
  name?: string;
  driver?: string;
  labels: Record<string, string>;
  options: Record<string, string>;
  noCopy: boolean;
  subpath?: string;
}

export interface TmpfsRequest extends Common {
  type: "tmpfs";
  options: string[];
  /** From HostConfig.Tmpfs: inspect shows it there and not among the mounts. */
  hidden: boolean;
}

/** An image's files, always read-only. */
export interface ImageMountRequest extends Common {
  type: "image";
  /** Name or id. */
  image: string;
  subpath?: string;
}

const invalid = (message: string, code = "BAD_MOUNT"): GantryError => new GantryError("invalid", code, message);

const clean = (target: string): string => path.posix.resolve("/", target);

/**
 * All mounts of a create request: Binds, Mounts, Tmpfs, then the volumes that image and container declare and nothing
 * covers. `taken`: destinations that `--volumes-from` brings, which Binds and Mounts may replace. Throws invalid in
 * Docker's words.
 */
export function planMountRequests(
  config: ContainerConfig,
  hostConfig: HostConfig,
  taken: ReadonlySet<string> = new Set(),
): MountRequest[] {
  const requests: MountRequest[] = [];
  const used = new Set<string>();
  const add = (request: MountRequest): void => {
    if (used.has(request.destination)) {
      throw invalid(`Duplicate mount point: ${request.destination}`, "DUPLICATE_MOUNT");
    }
    used.add(request.destination);
    requests.push(request);
  };
  for (const raw of hostConfig.Binds ?? []) add(readBind(raw, hostConfig.VolumeDriver));
  for (const spec of hostConfig.Mounts ?? []) add(readMountSpec(spec));
  for (const [target, options] of Object.entries(hostConfig.Tmpfs ?? {})) add(readTmpfs(target, options));
  for (const target of Object.keys(config.Volumes ?? {})) {
    const request = anonymous(target, hostConfig.VolumeDriver);
    if (used.has(request.destination) || taken.has(request.destination)) continue;
    add(request);
  }
  return requests;
}

function checkTarget(target: string): string {
  if (target === "") throw invalid("field Target must not be empty");
  if (target.includes("\0")) throw invalid("invalid mount path: it holds a NUL byte");
  if (!target.startsWith("/")) throw invalid(`invalid mount path: '${target}' mount path must be absolute`);
  const destination = clean(target);
  if (destination === "/") throw invalid("invalid specification: destination can't be '/'");
  return destination;
}

/** Adds the words Docker puts before a mistake in one mount. */
function about<T>(type: string, read: () => T, prefix = ""): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof GantryError) || cause.code === "BAD_MOUNT_MODE") throw cause;
    throw new GantryError(
      "invalid",
      cause.code,
      `${prefix}invalid mount config for type "${type}": ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** `-v`: "target", "source:target" or "source:target:mode". */
function readBind(raw: string, driver: string | undefined): BindRequest | VolumeRequest {
  const broken = (): GantryError => invalid(`invalid volume specification: '${raw}'`);
  const parts = raw.split(":");
  if (parts.length > 3 || parts.includes("")) throw broken();
  const [first = "", second, mode = ""] = parts;
  const prefix = `invalid volume specification: '${raw}': `;
  if (second === undefined) return about("volume", () => anonymous(first, driver), prefix);
  if (!second.startsWith("/") && looksLikeMode(second)) throw broken();
  const type = first.startsWith("/") ? "bind" : "volume";
  const destination = about(type, () => checkTarget(second), prefix);
  const { readOnly, noCopy, propagation } = readMode(mode);
  const foreign = type === "bind" ? noCopy && "VolumeOptions" : propagation && "BindOptions";
  if (foreign) {
    throw invalid(`${prefix}invalid mount config for type "${type}": field ${foreign} must not be specified`);
  }
  if (type === "bind") {
    const common = { destination, readOnly, mode, propagation: propagation ?? "" };
    return { type, ...common, source: clean(first), nonRecursive: false, submounts: "asked", createSource: true };
  }
  return { ...named(first, destination, driver), readOnly, mode: mode || "z", noCopy };
}

const named = (name: string | undefined, destination: string, driver: string | undefined): VolumeRequest => ({
  type: "volume",
  ...(name !== undefined && { name }),
  ...(driver && { driver }),
  destination,
  readOnly: false,
  mode: "",
  labels: {},
  options: {},
  noCopy: false,
});

const anonymous = (target: string, driver: string | undefined): VolumeRequest =>
  named(undefined, checkTarget(target), driver);

function readTmpfs(target: string, options: string): TmpfsRequest {
  const destination = about("tmpfs", () => checkTarget(target));
  const words = options.split(",").filter((word) => word !== "");
  tmpfsOptions(words);
  return { type: "tmpfs", destination, readOnly: words.includes("ro"), mode: "", options: words, hidden: true };
}

/** `--mount`: one entry of HostConfig.Mounts. */
function readMountSpec(spec: MountSpec): MountRequest {
  return about(spec.Type, () => {
    const destination = checkTarget(spec.Target ?? "");
    const others = {
      bind: spec.BindOptions,
      volume: spec.VolumeOptions,
      tmpfs: spec.TmpfsOptions,
      image: spec.ImageOptions,
    };
    for (const [type, options] of Object.entries(others)) {
      if (type === spec.Type || options === undefined || options === null) continue;
      throw invalid(`field ${type[0]?.toUpperCase()}${type.slice(1)}Options must not be specified`);
    }
    switch (spec.Type) {
      case "bind":
        return bindSpec(spec, destination);
      case "volume":
        return volumeSpec(spec, destination);
      case "tmpfs":
        return tmpfsSpec(spec, destination);
      case "image":
        return imageSpec(spec, destination);
      default:
        // npipe is of Windows, cluster of a swarm
        throw invalid("mount type unknown");
    }
  });
}

function bindSpec(spec: MountSpec, destination: string): BindRequest {
  const source = spec.Source ?? "";
  if (source === "") throw invalid("field Source must not be empty");
  if (!source.startsWith("/")) throw invalid(`invalid mount path: '${source}' mount path must be absolute`);
  if (source.includes("\0")) throw invalid("invalid mount path: it holds a NUL byte");
  const { Propagation = "", NonRecursive = false, CreateMountpoint = false } = spec.BindOptions ?? {};
  const { ReadOnlyNonRecursive = false, ReadOnlyForceRecursive = false } = spec.BindOptions ?? {};
  if (Propagation !== "" && !isPropagation(Propagation)) throw invalid(`invalid propagation mode: ${Propagation}`);
  if (ReadOnlyNonRecursive && ReadOnlyForceRecursive) {
    throw invalid("mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive");
  }
  if (ReadOnlyForceRecursive && (NonRecursive || !spec.ReadOnly)) {
    throw invalid("ReadOnlyForceRecursive requires ReadOnly, and excludes NonRecursive");
  }
  return {
    type: "bind",
    source: clean(source),
    destination,
    readOnly: spec.ReadOnly ?? false,
    mode: "",
    propagation: Propagation,
    nonRecursive: NonRecursive,
    submounts: ReadOnlyForceRecursive ? "required" : ReadOnlyNonRecursive ? "writable" : "asked",
    createSource: CreateMountpoint,
  };
}

function volumeSpec(spec: MountSpec, destination: string): VolumeRequest {
  const { NoCopy = false, Labels, DriverConfig, Subpath = "" } = spec.VolumeOptions ?? {};
  if (Subpath !== "" && !spec.Source) throw invalid("must not set Subpath when using anonymous volumes");
  checkSubpath(Subpath, "volume");
  if (spec.ReadOnly && !spec.Source) throw invalid("must not set ReadOnly mode when using anonymous volumes");
  return {
    ...named(spec.Source || undefined, destination, DriverConfig?.Name),
    readOnly: spec.ReadOnly ?? false,
    mode: "z",
    labels: Labels ?? {},
    options: DriverConfig?.Options ?? {},
    noCopy: NoCopy,
    ...(Subpath !== "" && { subpath: Subpath }),
  };
}

function checkSubpath(subpath: string, what: string): void {
  if (path.posix.isAbsolute(subpath) || path.posix.normalize(subpath).split("/")[0] === "..") {
    throw invalid(`subpath must be a relative path within the ${what}`);
  }
}

function imageSpec(spec: MountSpec, destination: string): ImageMountRequest {
  const image = spec.Source ?? "";
  if (image === "") throw invalid("field Source must not be empty");
  const { Subpath = "" } = spec.ImageOptions ?? {};
  checkSubpath(Subpath, "image");
  return { type: "image", image, destination, readOnly: true, mode: "", ...(Subpath !== "" && { subpath: Subpath }) };
}

function tmpfsSpec(spec: MountSpec, destination: string): TmpfsRequest {
  if (spec.Source) throw invalid("field Source must not be specified");
  const { SizeBytes = 0, Mode = 0, Options } = spec.TmpfsOptions ?? {};
  if (SizeBytes < 0) throw invalid("size of tmpfs cannot be negative");
  const options = [
    ...(SizeBytes > 0 ? [`size=${SizeBytes}`] : []),
    ...(Mode > 0 ? [`mode=${(Mode & 0o7777).toString(8)}`] : []),
    ...(Options ?? []).map(tmpfsOption),
  ];
  return { type: "tmpfs", destination, readOnly: spec.ReadOnly ?? false, mode: "", options, hidden: false };
}

/** One of TmpfsOptions.Options: only these change what the others leave open. */
function tmpfsOption(words: string[]): string {
  if (words.length < 1 || words.length > 2) throw invalid("invalid option array length");
  const [name = ""] = words;
  if (name !== "exec" && name !== "noexec") throw invalid(`invalid option: ${name}`);
  return words.join("=");
}

/** `--volumes-from container[:ro|rw]`. Throws invalid BAD_MOUNT_MODE. */
export function readVolumesFrom(text: string): { container: string; readOnly: boolean } {
  const cut = text.indexOf(":");
  if (cut < 0) return { container: text, readOnly: false };
  const mode = text.slice(cut + 1);
  if (text.slice(0, cut) === "") throw invalid(`invalid volumes-from specification: '${text}'`);
  const { readOnly, noCopy, propagation } = readMode(mode);
  // both stay as the other container has them
  if (noCopy || propagation) throw invalid(`invalid mode: ${mode}`, "BAD_MOUNT_MODE");
  return { container: text.slice(0, cut), readOnly };
}
