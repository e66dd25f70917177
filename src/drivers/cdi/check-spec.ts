import type { CdiEdits, CdiSpec } from "../../ports/cdi-specs.ts";

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): boolean => typeof value === "string";
const isPath = (value: unknown): boolean => typeof value === "string" && value.startsWith("/");
const isNumber = (value: unknown): boolean => Number.isInteger(value);
const listOf =
  (one: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.every(one);

const HOOKS = new Set(["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]);
const VARIABLE = /^[^=]+=/;
const KIND = /^[A-Za-z]([A-Za-z0-9._-]*[A-Za-z0-9])?\/[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?$/;
const DEVICE_NAME = /^[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?$/;

function requireThat(holds: boolean, words: string): asserts holds {
  if (!holds) throw new Error(words);
}

/** A parsed file as a specification; throws an Error that says what is wrong with it. */
export function checkSpec(value: unknown): CdiSpec {
  requireThat(isObject(value), "invalid CDI Spec: an object is expected");
  const { cdiVersion, kind, devices, containerEdits } = value;
  requireThat(isText(cdiVersion) && /^v?\d+\.\d+\.\d+$/.test(String(cdiVersion)), "invalid CDI Spec version");
  requireThat(isText(kind) && KIND.test(String(kind)), `invalid kind ${JSON.stringify(kind)}`);
  requireThat(Array.isArray(devices) && devices.length > 0, "invalid CDI Spec: no devices");
  const names = new Set<string>();
  for (const device of devices) {
    requireThat(isObject(device) && isText(device["name"]), "invalid device: it has no name");
    const name = String(device["name"]);
    requireThat(DEVICE_NAME.test(name), `invalid device name ${JSON.stringify(name)}`);
    requireThat(!names.has(name), `invalid spec, multiple device ${JSON.stringify(name)}`);
    names.add(name);
    if (device["containerEdits"] !== undefined) checkEdits(device["containerEdits"], `device ${JSON.stringify(name)}`);
  }
  if (containerEdits !== undefined) checkEdits(containerEdits, "container edits");
  return value as unknown as CdiSpec;
}

function checkEdits(value: unknown, where: string): asserts value is CdiEdits {
  requireThat(isObject(value), `invalid ${where}: an object is expected`);
  const lists: [string, (item: unknown) => boolean][] = [
    ["env", (item) => isText(item) && VARIABLE.test(String(item))],
    ["deviceNodes", isDeviceNode],
    ["mounts", isMount],
    ["hooks", isHook],
    ["additionalGids", isNumber],
  ];
  for (const [field, holds] of lists) {
    const list = value[field];
    if (list === undefined || list === null) continue;
    requireThat(Array.isArray(list), `invalid ${where}: ${field} must be a list`);
    for (const item of list) requireThat(holds(item), `invalid ${where}: ${field}: ${JSON.stringify(item)}`);
  }
}

const optional = (value: Fields, field: string, holds: (item: unknown) => boolean): boolean =>
  value[field] === undefined || value[field] === null || holds(value[field]);

const isDeviceNode = (value: unknown): boolean =>
  isObject(value) &&
  isPath(value["path"]) &&
  optional(value, "hostPath", isPath) &&
  optional(value, "type", (type) => ["b", "c", "u", "p", ""].includes(String(type))) &&
  optional(value, "permissions", (text) => /^[rwm]*$/.test(String(text))) &&
  ["major", "minor", "fileMode", "uid", "gid"].every((field) => optional(value, field, isNumber));

const isMount = (value: unknown): boolean =>
  isObject(value) &&
  isText(value["hostPath"]) &&
  value["hostPath"] !== "" &&
  isPath(value["containerPath"]) &&
  optional(value, "options", listOf(isText)) &&
  optional(value, "type", isText);

const isHook = (value: unknown): boolean =>
  isObject(value) &&
  HOOKS.has(String(value["hookName"])) &&
  isPath(value["path"]) &&
  optional(value, "args", listOf(isText)) &&
  optional(value, "env", listOf(isText)) &&
  optional(value, "timeout", isNumber);
