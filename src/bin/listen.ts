import { X509Certificate } from "node:crypto";
import fs from "node:fs";
import type http from "node:http";
import https from "node:https";
import net from "node:net";
import path from "node:path";
import { GantryError, messageOf } from "../base/errors.ts";
import { refuseForeign } from "../server/origin.ts";
import type { ApiServer } from "../server/server.ts";
import type { DaemonOptions } from "./daemon-options.ts";

/** Opens every host's socket; on an error none stays open. */
export async function listenOn(api: ApiServer, options: DaemonOptions): Promise<http.Server[]> {
  const servers: http.Server[] = [];
  try {
    for (const host of options.hosts) {
      servers.push(
        host.startsWith("unix://")
          ? await listenUnix(api, host.slice("unix://".length))
          : await listenTls(api, new URL(host), options.tls as NonNullable<DaemonOptions["tls"]>),
      );
    }
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
  return servers;
}

async function listenUnix(api: ApiServer, file: string): Promise<http.Server> {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  if (fs.existsSync(file)) {
    if (await answers(file)) {
      throw new GantryError("conflict", "SOCKET_TAKEN", `another process listens on ${file}`, {
        hint: "give this engine a socket of its own with -H unix://PATH",
      });
    }
    fs.rmSync(file);
  }
  const server = api.create();
  // The socket must never be open to others, not even for a moment.
  const before = process.umask(0o117);
  try {
    await listening(server, { path: file });
  } finally {
    process.umask(before);
  }
  giveToGroup(file);
  return server;
}

async function listenTls(
  api: ApiServer,
  url: URL,
  tls: { ca: string; cert: string; key: string },
): Promise<http.Server> {
  const cert = fs.readFileSync(tls.cert);
  const certificate = new X509Certificate(cert);
  const server = https.createServer({
    ca: fs.readFileSync(tls.ca),
    cert,
    key: fs.readFileSync(tls.key),
    requestCert: true,
    rejectUnauthorized: true,
    requestTimeout: 0,
    // attached clients close their side and go on reading
    allowHalfOpen: true,
  });
  const isOwnName = (name: string): boolean => name === url.hostname || certificate.checkHost(name) !== undefined;
  api.attachTo(server, (request) => refuseForeign(request, isOwnName));
  await listening(server, { host: url.hostname, port: Number(url.port || 2376) });
  return server;
}

function listening(server: http.Server, where: net.ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        new GantryError(
          "unavailable",
          "CANNOT_LISTEN",
          `failed to listen on ${where.path ?? `${where.host}:${where.port}`}: ${messageOf(error)}`,
        ),
      ),
    );
    // as many as the kernel allows: with a full queue a client would be turned away
    server.listen({ ...where, backlog: 4096 }, () => resolve());
  });
}

function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(file);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Members of group `gantry`, or `docker` where only that exists, may use the socket without being root. */
function giveToGroup(file: string): void {
  const groups = new Map(
    fs
      .readFileSync("/etc/group", "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([name, , gid]) => [name ?? "", Number(gid)]),
  );
  const gid = groups.get("gantry") ?? groups.get("docker");
  if (gid !== undefined) fs.chownSync(file, 0, gid);
}
