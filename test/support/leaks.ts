import fs from "node:fs";
import path from "node:path";
import { run } from "./engine.ts";

const CGROUPS = "/sys/fs/cgroup";
/** Folders of an engine that hold something only while there is a container or work under way. */
const EMPTY_WITHOUT_CONTAINERS = [
  ...[
    "data/containers",
    "data/workspaces",
    "data/bootstrap",
    "data/build/scratch",
    "exec/netns",
    "exec/userns",
    "exec/roots",
    "exec/mapped",
    "exec/bundles",
    "exec/exits",
  ],
  ...["exec/shm", "exec/runtime/crun", "exec/runtime/runc"],
];

const namesIn = (folder: string): string[] => (fs.existsSync(folder) ? fs.readdirSync(folder) : []);

/** What an engine with these roots left on the machine: mounts, links, namespaces, control groups, processes, rules. */
export async function leaks(engine: {
  folder: string;
  bridge: string;
  containerIds?: string[];
  netns?: string | undefined;
}): Promise<string[]> {
  const found: string[] = [];
  for (const name of EMPTY_WITHOUT_CONTAINERS) {
    for (const file of namesIn(path.join(engine.folder, name))) found.push(`file ${name}/${file}`);
  }
  const parents = [CGROUPS, ...namesIn(CGROUPS).map((name) => path.join(CGROUPS, name))];
  for (const id of engine.containerIds ?? []) {
    for (const parent of parents) {
      const group = path.join(parent, "gantry", id);
      if (fs.existsSync(group)) found.push(`control group ${group}`);
    }
  }
  for (const line of fs.readFileSync("/proc/self/mounts", "utf8").split("\n")) {
    const target = line.split(" ")[1] ?? "";
    if (target.startsWith(`${engine.folder}/`)) found.push(`mount ${target}`);
  }
  const links = (await inside(engine.netns, "ip", "-o", "link")).split("\n");
  const own = [`${engine.bridge}:`, `master ${engine.bridge} `, `alias gantry ${engine.bridge} `];
  for (const line of links) if (own.some((mark) => line.includes(mark))) found.push(`link ${line}`);
  const tables = (await inside(engine.netns, "nft", "list", "tables")).split("\n");
  for (const line of tables) if (line.includes(engine.bridge)) found.push(`nft ${line}`);
  for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    let words = "";
    try {
      words = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    } catch {
      continue;
    }
    if (words.includes(`${engine.folder}/`) && Number(pid) !== process.pid) found.push(`process ${pid} ${words}`);
  }
  return found;
}

async function inside(netns: string | undefined, ...command: string[]): Promise<string> {
  const [tool, ...args] = netns === undefined ? command : ["nsenter", `--net=${netns}`, ...command];
  return (await run(tool as string, args)).stdout;
}
