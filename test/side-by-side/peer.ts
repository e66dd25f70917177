import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { run } from "../support/engine.ts";
import { until } from "../support/until.ts";
import type { Address } from "./daemon.ts";

const SUBNET = "10.77.7";

/** A dockerd with roots, socket and a network namespace of its own, so that its firewall rules meet nobody. */
export async function startPeer(): Promise<Address & { end(): Promise<void> }> {
  const program = process.env["DOCKERD"] ?? "dockerd";
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "peer-"));
  const socket = path.join(folder, "docker.sock");
  const namespace = path.basename(folder);
  fs.writeFileSync(path.join(folder, "none.json"), "{}");
  const log = fs.openSync(path.join(folder, "log"), "a");
  await run("ip", ["netns", "add", namespace]);
  await run("ip", ["-n", namespace, "link", "set", "lo", "up"]);
  const daemon = spawn(
    "nsenter",
    [
      ...[`--net=/run/netns/${namespace}`, program, "-H", `unix://${socket}`],
      ...["--data-root", path.join(folder, "data"), "--exec-root", path.join(folder, "exec")],
      ...["--pidfile", path.join(folder, "pid"), "--config-file", path.join(folder, "none.json")],
      ...["--bip", `${SUBNET}.1/24`, "--default-address-pool", "base=10.128.0.0/10,size=24"],
    ],
    { stdio: ["ignore", log, log], detached: true },
  );
  fs.closeSync(log);
  await until(
    async () => {
      if (daemon.exitCode !== null) throw new Error(fs.readFileSync(path.join(folder, "log"), "utf8"));
      return (await run("docker", ["-H", `unix://${socket}`, "version"])).code === 0;
    },
    { what: `${program} to answer`, timeout: 30_000, every: 100 },
  );
  return {
    socket,
    subnet: SUBNET,
    bridge: "docker0",
    dataRoot: path.join(folder, "data"),
    async end() {
      daemon.kill("SIGTERM");
      if (daemon.exitCode === null) await once(daemon, "exit");
      const mounts = fs.readFileSync("/proc/self/mounts", "utf8").split("\n");
      for (const mount of mounts.map((line) => line.split(" ")[1] ?? "").toReversed())
        if (mount.startsWith(`${folder}/`)) await run("umount", ["-l", mount]);
      await run("ip", ["netns", "del", namespace]);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
