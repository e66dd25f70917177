import type { Socket } from "node:net";
import type { Endpoint } from "../../client/endpoint.ts";
import { sshArguments } from "../../client/ssh.ts";
import type { Programs } from "../programs.ts";

export const sshDial =
  (endpoint: Extract<Endpoint, { kind: "ssh" }>, programs: () => Promise<Programs>) => async (): Promise<Socket> =>
    (await programs()).connect("ssh", sshArguments(endpoint));
