import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** `htpasswd -nbB gantry secret` */
const HTPASSWD = "gantry:$2y$05$SLBWaYoeDB.DTlSKSFngA.uFHsfBUPnmH1Me.a2jO3KwhOHt611CW";

export interface RealRegistry {
  /** 127.0.0.1:PORT */
  host: string;
  stop(): Promise<void>;
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** Debian's docker-registry on a free loopback port, storing in a folder of its own. */
export async function startRegistry(options: { htpasswd?: boolean } = {}): Promise<RealRegistry> {
  const root = mkdtempSync(join(tmpdir(), "gantry-registry-"));
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const lines = [
    "version: 0.1",
    "log: {level: error}",
    `storage: {filesystem: {rootdirectory: ${root}/data}, delete: {enabled: true}}`,
    `http: {addr: "${host}"}`,
  ];
  if (options.htpasswd) {
    writeFileSync(join(root, "htpasswd"), `${HTPASSWD}\n`);
    lines.push(`auth: {htpasswd: {realm: test, path: ${root}/htpasswd}}`);
  }
  writeFileSync(join(root, "config.yml"), `${lines.join("\n")}\n`);
  const child = spawn("docker-registry", ["serve", join(root, "config.yml")], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.once("error", () => {});
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    if (child.pid !== undefined) await ended;
    rmSync(root, { recursive: true, force: true });
  };
  try {
    await answers(host, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { host, stop };
}

async function answers(host: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (child.pid === undefined || child.exitCode !== null) throw new Error("docker-registry did not start");
    try {
      const reply = await fetch(`http://${host}/v2/`);
      await reply.arrayBuffer();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  throw new Error("docker-registry does not answer");
}
