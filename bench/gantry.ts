import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { clientEnv, docker, type Side, until } from "./side.ts";

const REPO = path.resolve(import.meta.dirname, "..");
export const GANTRY = path.join(REPO, "bin/gantry");

/** The gantryd of this checkout, with roots, a bridge and a network namespace of its own, as dockerd has. */
export async function startGantryd(parent: string): Promise<Side> {
  const folder = path.join(parent, "gantryd");
  const socket = path.join(folder, "gantry.sock");
  fs.mkdirSync(folder, { recursive: true });
  const log = fs.openSync(path.join(folder, "log"), "a");
  const child = spawn(
    "unshare",
    [
      ...["--net", "sh", "-c", 'ip link set lo up && exec "$@"', "gantryd", path.join(REPO, "bin/gantryd")],
      ...["--data-root", path.join(folder, "data"), "--exec-root", path.join(folder, "exec")],
      ...["-H", `unix://${socket}`, "--bridge", `gb${process.pid}`, "--bip", "10.249.0.1/24"],
    ],
    { stdio: ["ignore", log, log], env: { PATH: process.env["PATH"] }, detached: true },
  );
  fs.closeSync(log);
  const side: Side = {
    name: "gantryd",
    version: "",
    folder,
    pid: child.pid ?? 0,
    env: clientEnv(folder, socket),
    netns: `/proc/${child.pid}/ns/net`,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const left = (await docker(side, ["ps", "-aq"]).catch(() => "")).split("\n").filter(Boolean);
        if (left.length > 0) await docker(side, ["rm", "-f", ...left]).catch(() => "");
        const over = once(child, "exit");
        child.kill("SIGTERM");
        const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
        await over;
        clearTimeout(timer);
      }
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await until("gantryd to answer", async () => {
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
