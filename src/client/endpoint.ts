import { GantryError } from "../base/errors.ts";

/** Where an engine listens. `text` is the host as the user gave it, for messages. */
export type Endpoint =
  | { kind: "unix"; path: string; text: string }
  | { kind: "tcp"; host: string; port: number; text: string };

export const DEFAULT_HOST = "unix:///run/gantry.sock";

/** Takes `unix:///path`, `tcp://host:port`, `http://host:port`. Anything else: invalid BAD_HOST. */
export function parseHost(text: string): Endpoint {
  const match = /^(unix|tcp|http):\/\/(.*)$/.exec(text);
  if (match === null || match[2] === "") {
    const scheme = /^([a-z]+):\/\//.exec(text)?.[1];
    throw new GantryError("invalid", "BAD_HOST", `unable to parse docker host \`${text}\``, {
      hint:
        scheme === undefined
          ? `write unix://${text.startsWith("/") ? text : `/path/to.sock`} or tcp://HOST:PORT`
          : `${scheme}:// is not supported: use unix:// or tcp://`,
    });
  }
  const rest = match[2]!;
  if (match[1] === "unix") return { kind: "unix", path: rest, text };
  const address = /^(?:\[([^\]]+)\]|([^:/]*))(?::(\d+))?\/?$/.exec(rest);
  const port = Number(address?.[3] ?? 2375);
  if (address === null || port > 65535) {
    throw new GantryError("invalid", "BAD_HOST", `unable to parse docker host \`${text}\``);
  }
  return { kind: "tcp", host: address[1] ?? (address[2] || "127.0.0.1"), port, text };
}
