import { closeSync, existsSync, openSync, rmSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import type { Gantry } from "../client/gantry.ts";
import { isFromDaemon } from "../client/failures.ts";
import { familiarName, parseReference, withDefaultTag } from "../base/reference.ts";
import type { ContainerCreateRequest } from "../wire/types/containers.ts";
import type { Context } from "./command.ts";
import { proxyVariables } from "./config/file.ts";
import { fileError } from "./file-errors.ts";
import { copyCredentials, mountApiSocket } from "./run-options/api-socket.ts";
import type { CreateOptions } from "./run-options/flags.ts";

/** Creates the container, pulling its image if the policy says so; the id goes to --cidfile. */
export async function createContainer(
  context: Context,
  engine: Gantry,
  request: ContainerCreateRequest,
  options: CreateOptions,
): Promise<string> {
  const { name, platform, pull, quiet } = options;
  if (!["always", "missing", "never", ""].includes(pull)) {
    throw new Error(`invalid pull option: '${pull}': must be one of "always", "missing" or "never"`);
  }
  const image = request.Image!;
  const { host } = await context.target();
  const proxies = proxyVariables(context.config(), host).filter(
    ([name]) => !request.Env?.some((entry) => entry === name || entry.startsWith(`${name}=`)),
  );
  request.Env = [...proxies.map(([name, value]) => `${name}=${value}`), ...(request.Env ?? [])];
  if (options["use-api-socket"]) await mountApiSocket(context, request);
  // Engines from 1.44 on take it from the network's endpoint alone.
  if (request.MacAddress !== undefined && (await engine.transport.atLeast(44))) delete request.MacAddress;
  const cidFile = options.cidfile ? openIdFile(resolve(context.cwd, options.cidfile), options.cidfile) : undefined;
  const fetch = async (): Promise<void> => {
    const { pullImage } = await import("./pulling.ts");
    await pullImage(context, engine, image, { platform, quiet, out: context.err });
  };
  const create = () => engine.containers.create(request, { name, platform });
  try {
    // A wrong name is said before the engine is asked, in docker's words.
    if (!/^[0-9a-f]{64}$/.test(image)) parseReference(image);
    if (pull === "always") await fetch();
    let answer: Awaited<ReturnType<typeof create>>;
    try {
      answer = await create();
    } catch (error) {
      if (pull === "never" || pull === "always" || !isMissingImage(error)) throw error;
      context.err.write(`Unable to find image '${familiarName(withDefaultTag(parseReference(image)))}' locally\n`);
      await fetch();
      answer = await create();
    }
    for (const warning of answer.Warnings ?? []) context.err.write(`WARNING: ${warning}\n`);
    cidFile?.write(answer.Id);
    if (options["use-api-socket"]) await copyCredentials(context, engine, answer.Id);
    return answer.Id;
  } finally {
    cidFile?.close();
  }
}

/** 404 on create may also mean a network or another container. */
const isMissingImage = (error: unknown): boolean =>
  isFromDaemon(error) && error.kind === "notFound" && /no such image/i.test(error.message);

interface IdFile {
  write(id: string): void;
  /** An empty one is taken away again. */
  close(): void;
}

function openIdFile(path: string, given: string): IdFile {
  if (existsSync(path)) {
    throw new Error(`container ID file found, make sure the other container isn't running or delete ${given}`);
  }
  let fd: number;
  try {
    fd = openSync(path, "wx", 0o644);
  } catch (error) {
    throw fileError("open", given, error, "failed to create the container ID file: ");
  }
  let written = false;
  return {
    write: (id) => {
      writeSync(fd, id);
      written = true;
    },
    close: () => {
      closeSync(fd);
      if (!written) rmSync(path, { force: true });
    },
  };
}
