import { allCredentials } from "../credentials.ts";
import type { Context } from "../command.ts";
import type { Gantry } from "../../client/gantry.ts";
import { padding, tarHeader, trailer } from "../../local/tar-writer.ts";
import type { ContainerCreateRequest } from "../../wire/types/containers.ts";

const SOCKET = "/var/run/docker.sock";
const FOLDER = "/run/secrets/docker";

/** `--use-api-socket`: the engine's own socket inside, where clients look for it, and a config.json with what is known. */
export async function mountApiSocket(context: Context, request: ContainerCreateRequest): Promise<void> {
  const { host } = await context.target();
  const own = /^unix:\/\/(.+)$/.exec(host)?.[1] ?? SOCKET;
  const mounts = (request.HostConfig!.Mounts ??= []);
  mounts.push({ Type: "bind", Source: own, Target: SOCKET });
  const env = (request.Env ??= []);
  if (!env.some((entry) => entry.startsWith("DOCKER_CONFIG="))) env.push(`DOCKER_CONFIG=${FOLDER}`);
}

/** Puts the credentials into the container that was created. They stay in it until it is removed. */
export async function copyCredentials(context: Context, engine: Gantry, id: string): Promise<void> {
  const known = await allCredentials(context);
  if (Object.keys(known).length === 0) return;
  const auths = Object.fromEntries(
    Object.entries(known).map(([key, { username = "", password = "", identitytoken }]) => [
      key,
      { auth: Buffer.from(`${username}:${password}`).toString("base64"), ...(identitytoken && { identitytoken }) },
    ]),
  );
  const data = Buffer.from(JSON.stringify({ auths }, undefined, "\t"));
  const common = { mtime: 0, uid: 0, gid: 0 };
  const parts = [
    tarHeader({ ...common, name: `${FOLDER.slice(1)}/`, type: "folder", mode: 0o700, size: 0 }),
    tarHeader({ ...common, name: `${FOLDER.slice(1)}/config.json`, type: "file", mode: 0o600, size: data.length }),
    data,
    padding(data.length),
    trailer(),
  ];
  const tar = async function* (): AsyncGenerator<Buffer> {
    yield* parts;
  };
  await engine.containers.copyTo(id, "/", tar());
}
