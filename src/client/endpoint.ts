import { GantryError } from "../base/errors.ts";

/** Where an engine listens. `text` is the host as the user gave it, for messages. */
export type Endpoint =
  | { kind: "unix"; path: string; text: string }
  | { kind: "tcp"; host: string; port: number; text: string }
  /** `path`: the engine's socket over there; undefined is that machine's default. */
  | { kind: "ssh"; host: string; port?: number; user?: string; path?: string; text: string };

export const DEFAULT_HOST = "unix:///run/gantry.sock";

/** Takes `unix:///path`, `tcp://host:port`, `http://host:port`, `ssh://user@host:port/path`. Anything else: invalid BAD_HOST. */
export function parseHost(text: string): Endpoint {
  const match = /^(unix|tcp|http|ssh):\/\/(.*)$/.exec(text);
  if (match === null || match[2] === "") {
    const scheme = /^([a-z]+):\/\//.exec(text)?.[1];
    throw new GantryError("invalid", "BAD_HOST", `unable to parse docker host \`${text}\``, {
      hint:
        scheme === undefined
          ? `write unix://${text.startsWith("/") ? text : `/path/to.sock`} or tcp://HOST:PORT`
          : `${scheme}:// is not supported: use unix://, tcp:// or ssh://`,
    });
  }
  const rest = match[2]!;
  if (match[1] === "unix") return { kind: "unix", path: rest, text };
  if (match[1] === "ssh") return sshEndpoint(rest, text);
  const address = /^(?:\[([^\]]+)\]|([^:/]*))(?::(\d+))?\/?$/.exec(rest);
  const port = Number(address?.[3] ?? 2375);
  if (address === null || port > 65535) {
    throw new GantryError("invalid", "BAD_HOST", `unable to parse docker host \`${text}\``);
  }
  return { kind: "tcp", host: address[1] ?? (address[2] || "127.0.0.1"), port, text };
}

function sshEndpoint(rest: string, text: string): Endpoint {
  const [, user, six, name, port, path] =
    /^(?:([^@/]+)@)?(?:\[([^\]]+)\]|([^:/@]+))(?::(\d+))?(\/.*)?$/.exec(rest) ?? [];
  const host = six ?? name;
  // What begins with a dash would be an option of ssh's.
  if (host === undefined || host.startsWith("-") || user?.startsWith("-") || user?.includes(":")) {
    const hint = user?.includes(":") ? "a password has no place in an address: let ssh use a key" : undefined;
    throw new GantryError("invalid", "BAD_HOST", `unable to parse docker host \`${text}\``, { ...(hint && { hint }) });
  }
  return {
    kind: "ssh",
    host,
    text,
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port: Number(port) }),
    ...(path !== undefined && path !== "/" && { path }),
  };
}
