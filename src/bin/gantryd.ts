import fs from "node:fs";
import v8 from "node:v8";
import { GantryError, messageOf } from "../base/errors.ts";
import { SystemClock } from "../drivers/host/system-clock.ts";
import { TextLogger } from "../drivers/host/text-logger.ts";
import { ApiServer } from "../server/server.ts";
import { type DaemonOptions, readDaemonOptions, USAGE } from "./daemon-options.ts";
import { openEngine } from "./engine.ts";
import { trimWhenIdle } from "./idle-memory.ts";
import { acceptorsFor } from "./acceptors.ts";
import { listenOn } from "./listen.ts";
import { claimPidFile, releasePidFile } from "./pid-file.ts";
import { VERSION } from "./version.ts";

async function serve(options: DaemonOptions): Promise<void> {
  const clock = new SystemClock();
  const logger = new TextLogger(options.logLevel, clock, (line) => process.stderr.write(line));
  if (process.getuid?.() !== 0) {
    throw new GantryError("forbidden", "NOT_ROOT", "gantryd needs to be started with root privileges", {
      hint: "sudo gantryd",
    });
  }
  process.umask(0o022);
  // Patterns of ignore files and filters come from clients: those that would try for ever are matched in linear time.
  v8.setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
  v8.setFlagsFromString("--regexp-backtracks-before-fallback=1000");
  process.chdir("/");
  await warmThreadPool();
  claimPidFile(options.pidfile);
  const engine = await openEngine(options, logger);
  const api = new ApiServer({
    routes: engine.routes,
    logger,
    engineVersion: VERSION,
    experimental: options.experimental,
  });
  const servers = await listenOn(api, options);
  const acceptors = servers.flatMap(acceptorsFor);
  trimWhenIdle(servers, clock);
  logger.info("API listening", { hosts: options.hosts, version: VERSION });

  let ending = false;
  const end = async (signal: string): Promise<void> => {
    if (ending) process.exit(1);
    ending = true;
    logger.info("ending; containers run on", { signal });
    for (const acceptor of acceptors) acceptor.close();
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    await engine.close();
    releasePidFile(options.pidfile);
    process.exit(0);
  };
  process.on("SIGHUP", () => {
    try {
      const changed = readDaemonOptions(process.argv.slice(2));
      if (typeof changed === "string") return;
      logger.setLevel(changed.logLevel);
      engine.reload(changed);
      logger.info("configuration reloaded", { labels: changed.labels, insecureRegistries: changed.insecureRegistries });
    } catch (error) {
      logger.error("the configuration can't be reloaded: all stays as it is", { error: messageOf(error) });
    }
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void end(signal));
  process.on("SIGPIPE", () => {});
  // A bug in one request must not end everybody's engine; it is loud in the log instead.
  process.on("uncaughtException", (error) => logger.error("uncaught exception: a bug", { error: error.stack }));
  process.on("unhandledRejection", (reason) =>
    logger.error("unhandled rejection: a bug", { error: reason instanceof Error ? reason.stack : messageOf(reason) }),
  );
}

/**
 * A thread of the pool that was made while the main thread is in another mount namespace would stay there. So all are
 * made now, by one small job each.
 */
async function warmThreadPool(): Promise<void> {
  const threads = Number(process.env["UV_THREADPOOL_SIZE"] ?? 4);
  await Promise.all(Array.from({ length: threads }, () => fs.promises.stat("/")));
}

async function main(): Promise<void> {
  const options = readDaemonOptions(process.argv.slice(2));
  if (options === "help") process.stdout.write(USAGE);
  else if (options === "version") process.stdout.write(`Gantry version ${VERSION}\n`);
  else await serve(options);
}

main().catch((error: unknown) => {
  process.stderr.write(`gantryd: ${messageOf(error)}\n`);
  if (error instanceof GantryError) {
    if (error.hint) process.stderr.write(`hint: ${error.hint}\n`);
  } else if (error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
