import { resolve } from "node:path";
import type { MountSpec } from "../../base/container-config.ts";
import { parseBytes } from "../../base/units.ts";
import { parseBool } from "../flags.ts";
import { csvFields, pairOf } from "./key-values.ts";

/** `-v`: a bind or named volume goes to Binds, a lone path becomes an anonymous volume. */
export function volumesOf(specs: string[], cwd: string): { binds: string[]; anonymous: Record<string, object> } {
  const binds: string[] = [];
  const anonymous: Record<string, object> = {};
  for (const spec of specs) {
    if (spec === "") throw new Error("invalid empty volume spec");
    const parts = spec.split(":");
    if (parts.length > 1 && parts.includes("")) throw new Error(`invalid spec: ${spec}: empty section between colons`);
    if (parts.length === 1) anonymous[spec] = {};
    else {
      const [source, ...rest] = parts as [string, ...string[]];
      binds.push([source.startsWith(".") ? resolve(cwd, source) : source, ...rest].join(":"));
    }
  }
  return { binds, anonymous };
}

/** `--tmpfs /run:size=64m` */
export const tmpfsOf = (specs: string[]): Record<string, string> =>
  Object.fromEntries(
    specs.map((spec) => {
      const at = spec.indexOf(":");
      return at === -1 ? [spec, ""] : [spec.slice(0, at), spec.slice(at + 1)];
    }),
  );

const SWITCHES = new Set(["readonly", "ro", "volume-nocopy", "bind-nonrecursive"]);

/** `--mount type=bind,source=/a,target=/b,readonly` */
export function mountOf(text: string): MountSpec {
  const mount: MountSpec = { Type: "volume", Target: "" };
  const volume: NonNullable<MountSpec["VolumeOptions"]> = {};
  const bind: NonNullable<MountSpec["BindOptions"]> = {};
  const tmpfs: NonNullable<MountSpec["TmpfsOptions"]> = {};
  const image: NonNullable<MountSpec["ImageOptions"]> = {};
  let recursion = "enabled";
  for (const field of csvFields(text)) {
    const at = field.indexOf("=");
    const key = (at === -1 ? field : field.slice(0, at)).toLowerCase();
    if (at === -1 && !SWITCHES.has(key)) throw new Error(`invalid field '${field}' must be a key=value pair`);
    const raw = at === -1 ? "true" : field.slice(at + 1);
    const on = (): boolean => {
      try {
        return parseBool(raw);
      } catch {
        throw new Error(`invalid value for ${key}: ${raw}`);
      }
    };
    if (key === "type") {
      // An unknown type is the engine's to refuse.
      mount.Type = raw.toLowerCase() as MountSpec["Type"];
    } else if (key === "source" || key === "src") mount.Source = raw;
    else if (key === "target" || key === "dst" || key === "destination") mount.Target = raw;
    else if (key === "readonly" || key === "ro") mount.ReadOnly = on();
    else if (key === "consistency") mount.Consistency = raw.toLowerCase();
    else if (key === "bind-propagation") bind.Propagation = raw.toLowerCase();
    else if (key === "bind-nonrecursive") bind.NonRecursive = on();
    else if (key === "bind-recursive") recursion = raw;
    else if (key === "image-subpath") image.Subpath = raw;
    else if (key === "volume-nocopy") volume.NoCopy = on();
    else if (key === "volume-subpath") volume.Subpath = raw;
    else if (key === "volume-label") (volume.Labels ??= {})[pairOf(raw)[0]] = pairOf(raw)[1];
    else if (key === "volume-driver") (volume.DriverConfig ??= {}).Name = raw;
    else if (key === "volume-opt") ((volume.DriverConfig ??= {}).Options ??= {})[pairOf(raw)[0]] = pairOf(raw)[1];
    else if (key === "tmpfs-size") {
      try {
        tmpfs.SizeBytes = parseBytes(raw);
      } catch {
        throw new Error(`invalid value for ${key}: ${raw}`);
      }
    } else if (key === "tmpfs-mode") {
      if (!/^[0-7]+$/.test(raw)) throw new Error(`invalid value for ${key}: ${raw}`);
      tmpfs.Mode = Number.parseInt(raw, 8);
    } else throw new Error(`unexpected key '${key}' in '${field}'`);
  }
  if (mount.Target === "") throw new Error("target is required");
  readRecursion(recursion, mount, bind);
  const only = (options: object, type: string): void => {
    if (Object.keys(options).length > 0 && mount.Type !== type) {
      throw new Error(`cannot mix '${type}-*' options with mount type '${mount.Type}'`);
    }
  };
  only(volume, "volume");
  only(bind, "bind");
  only(tmpfs, "tmpfs");
  only(image, "image");
  if (Object.keys(volume).length > 0) mount.VolumeOptions = volume;
  if (Object.keys(bind).length > 0) mount.BindOptions = bind;
  if (Object.keys(tmpfs).length > 0) mount.TmpfsOptions = tmpfs;
  if (Object.keys(image).length > 0) mount.ImageOptions = image;
  return mount;
}

/** `bind-recursive`: what becomes of that which is mounted below the source. */
function readRecursion(word: string, { ReadOnly }: MountSpec, bind: NonNullable<MountSpec["BindOptions"]>): void {
  const needs = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`option 'bind-recursive=${word}' requires '${what}' to be specified in conjunction`);
  };
  if (word === "disabled") bind.NonRecursive = true;
  else if (word === "writable") {
    needs(ReadOnly === true, "readonly");
    bind.ReadOnlyNonRecursive = true;
  } else if (word === "readonly") {
    needs(ReadOnly === true, "readonly");
    needs(bind.Propagation === "rprivate", "bind-propagation=rprivate");
    bind.ReadOnlyForceRecursive = true;
  } else if (word !== "enabled") {
    throw new Error(
      `invalid value for bind-recursive: ${JSON.stringify(word)} (must be "enabled", "disabled", "writable", or "readonly")`,
    );
  }
}

/** A relative source of a bind is relative to here. */
export const settleMount = (mount: MountSpec, cwd: string): MountSpec =>
  mount.Type === "bind" && mount.Source?.startsWith(".") ? { ...mount, Source: resolve(cwd, mount.Source) } : mount;
