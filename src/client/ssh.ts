import type { Endpoint } from "./endpoint.ts";

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** What ssh is told: gantry's `system dial-stdio` over there, or docker's where there is no gantry. */
export function sshArguments({ host, port, user, path }: Extract<Endpoint, { kind: "ssh" }>): string[] {
  const socket = path === undefined ? "" : ` --host ${quote(`unix://${path}`)}`;
  const dial = (program: string): string => `exec ${program}${socket} system dial-stdio`;
  return [
    ...["-o", "ConnectTimeout=30", "-T"],
    ...(user === undefined ? [] : ["-l", user]),
    ...(port === undefined ? [] : ["-p", String(port)]),
    ...["--", host],
    // The login shell over there may be any.
    `sh -c ${quote(`if command -v gantry >/dev/null 2>&1; then ${dial("gantry")}; else ${dial("docker")}; fi`)}`,
  ];
}
