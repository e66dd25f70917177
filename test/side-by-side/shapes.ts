import assert from "node:assert/strict";
import type { Daemon } from "./daemon.ts";

/** Path of a value within an answer → its types: `HostConfig.Memory` → `number`, `Mounts[].Type` → `string`. */
export type Shape = Record<string, string>;

/** What has to be there for every field to have something in it. */
const WORLD = [
  "docker network create --label a=1 --subnet 10.201.1.0/24 net1",
  "docker volume create --label a=1 -o type=tmpfs -o device=tmpfs vol1",
  "docker run -d --name live --network net1 -p 18120:80 --expose 99 -v vol2:/data -v /tmp:/host --tmpfs /t -e A=1 -l a=1 --memory 64m --ulimit nofile=100:200 --health-cmd true --device /dev/null --add-host a:1.2.3.4 --dns 9.9.9.9 --sysctl net.ipv4.ip_forward=1 --cap-add NET_ADMIN --log-opt max-size=1m busybox sleep 1000",
  "docker run --name done busybox sh -c 'touch /file; exit 3'",
  "docker tag busybox registry.example/second",
];

/** Paths asked of both in the one version that both speak. */
const VERSION = "/v1.41";
const PATHS = [
  "/containers/json?all=1&size=1",
  "/containers/live/json?size=1",
  "/containers/done/json",
  "/containers/live/top",
  "/images/json?digests=1",
  "/images/busybox/json",
  "/images/busybox/history",
  "/networks",
  "/networks/net1?verbose=1",
  "/networks/bridge",
  "/volumes",
  "/volumes/vol1",
  "/system/df",
  "/info",
  "/version",
  "/containers/nosuch/json",
];

const ID = /^[0-9a-f]{64}$/;

export async function shapes(daemon: Daemon): Promise<Record<string, Shape>> {
  return await daemon.after(WORLD, async (answers) => {
    for (const { code, command, stderr } of answers.slice(0, 3)) assert.equal(code, 0, `${command}: ${stderr}`);
    const result: Record<string, Shape> = {};
    for (const path of PATHS) {
      const { text } = await daemon.request("GET", `${VERSION}${path}`);
      result[`GET ${path}`] = shapeOf(JSON.parse(text));
    }
    return result;
  });
}

export function shapeOf(value: unknown): Shape {
  const types = new Map<string, Set<string>>();
  const note = (path: string, type: string): void => {
    types.set(path, (types.get(path) ?? new Set()).add(type));
  };
  const walk = (path: string, one: unknown): void => {
    if (Array.isArray(one)) {
      note(path, "array");
      for (const item of one) walk(`${path}[]`, item);
    } else if (typeof one === "object" && one !== null) {
      note(path, "object");
      for (const [key, item] of Object.entries(one))
        walk(path === "" ? key : `${path}.${key.replace(ID, "<id>")}`, item);
    } else note(path, one === null ? "null" : typeof one);
  };
  walk("", value);
  return Object.fromEntries([...types].map(([path, found]) => [path, [...found].toSorted().join("|")]));
}

export interface ShapeDifference {
  /** Matched against `GET /networks [].EnableIPv4`. */
  field: RegExp;
  why: string;
}

/** Fields that one has and the other has not, or has with another type, unless they are listed; and what is listed without need. */
export function compareShapes(
  theirs: Record<string, Shape>,
  ours: Record<string, Shape>,
  listed: ShapeDifference[],
): string[] {
  const used = new Set<ShapeDifference>();
  const problems: string[] = [];
  for (const [at, own] of Object.entries(ours)) {
    const other = theirs[at] ?? {};
    for (const field of new Set([...Object.keys(other), ...Object.keys(own)])) {
      if (other[field] === own[field]) continue;
      const text = `${at} ${field}`;
      const known = listed.find((one) => one.field.test(text));
      if (known) used.add(known);
      else problems.push(`${text}: dockerd ${other[field] ?? "nothing"}, gantryd ${own[field] ?? "nothing"}`);
    }
  }
  for (const one of listed) if (!used.has(one)) problems.push(`${one.field} is listed as different and is not`);
  return problems;
}
