import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { clientEnv, docker, run, type Side, until } from "./side.ts";

/**
 * Debian's dockerd with roots of its own, in a network namespace of its own, so that its firewall rules (a FORWARD
 * policy of DROP among them) and Gantry's never meet. The namespace has nothing but loopback and ends with its last process.
 */
export async function startDockerd(parent: string): Promise<Side> {
  const folder = path.join(parent, "dockerd");
  const socket = path.join(folder, "docker.sock");
  fs.mkdirSync(folder, { recursive: true });
  const config = path.join(folder, "daemon.json");
  fs.writeFileSync(config, "{}");
  const log = fs.openSync(path.join(folder, "log"), "a");
  const child = spawn(
    "unshare",
    [
      ...["--net", "sh", "-c", 'ip link set lo up && exec dockerd "$@"', "dockerd"],
      ...["--data-root", path.join(folder, "data"), "--exec-root", path.join(folder, "exec")],
      ...["--pidfile", path.join(folder, "pid"), "--config-file", config, "-H", `unix://${socket}`],
    ],
    { stdio: ["ignore", log, log], detached: true },
  );
  fs.closeSync(log);
  const side: Side = {
    name: "dockerd",
    version: "",
    folder,
    pid: child.pid ?? 0,
    env: clientEnv(folder, socket),
    netns: `/proc/${child.pid}/ns/net`,
    stop: () => stopDockerd(side, child),
  };
  try {
    await until("dockerd to answer", async () => {
      if (child.exitCode !== null) throw new Error("ended");
      side.version = await docker(side, ["version", "--format", "{{.Server.Version}}"]);
      return true;
    });
  } catch (error) {
    process.stderr.write(`${fs.readFileSync(path.join(folder, "log"), "utf8").slice(-2000)}\n`);
    await side.stop();
    throw error;
  }
  return side;
}

async function stopDockerd(side: Side, child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const left = (await docker(side, ["ps", "-aq"]).catch(() => "")).split("\n").filter(Boolean);
    if (left.length > 0) await docker(side, ["rm", "-f", ...left]).catch(() => "");
    const over = once(child, "exit");
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await over;
    clearTimeout(timer);
  }
  const mounts = fs.readFileSync("/proc/self/mounts", "utf8").split("\n");
  const own = mounts.map((line) => line.split(" ")[1] ?? "").filter((target) => target.startsWith(`${side.folder}/`));
  for (const target of own.toSorted().toReversed()) await run("umount", ["-l", target]).catch(() => "");
  fs.rmSync(side.folder, { recursive: true, force: true });
}
