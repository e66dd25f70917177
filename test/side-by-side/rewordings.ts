import type { Rewording } from "./compare.ts";

/** The recorded dockerd is 20.10; gantryd writes what Docker 28 does. */
const NEWER = "Docker 28 words it so";

const dockerd = (find: RegExp, put: Rewording["put"], why = NEWER): Rewording => ({ side: "dockerd", find, put, why });
const gantryd = (find: RegExp, put: Rewording["put"], why: string): Rewording => ({ side: "gantryd", find, put, why });

const nothing = (): string => "";
const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** Texts that one of the two always writes differently, replaced before answers are compared. */
export const rewordings: Rewording[] = [
  dockerd(/failed to create shim task: OCI/g, (text) => `failed to create task for container: ${text}`),
  dockerd(/no such image: .*?: (?=No such image|invalid reference)/g, nothing),
  dockerd(
    /(?<=Error response from daemon: )(?:Invalid (?:filter|signal|IPC)|No command|Range of CPUs|Container (?=\S+ is )|Multiple IDs|Cannot kill)/g,
    lower,
  ),
  dockerd(/(?<=annot kill container: \S+: )Container/g, lower),
  dockerd(/failed to parse Dockerfile: (?=ENV|Syntax|file with)/g, nothing),
  gantryd(
    /dockerfile parse error line \d+: (?=ENV must|Syntax|file with|no build)/g,
    nothing,
    "gantryd tells the line",
  ),
  gantryd(
    /\n(?:Dockerfile|change):\d+:\d+\n(?: \d+ \| .*\n)+ +\| +\^+/g,
    nothing,
    "gantryd shows the line that is meant",
  ),
  gantryd(/\n \d+ warnings? found \(.*\):\n(?: - .*\n)+\n/g, nothing, "gantryd checks Dockerfiles"),
  gantryd(/ \(held by container \S+; port \d+ is free\)/g, nothing, "gantryd tells what to do about it"),
  gantryd(
    /: this host has no link \S+ either|: a parent with further dots has to be made by hand/g,
    nothing,
    "gantryd tells what to do about it",
  ),
  dockerd(/interface does was not found/g, () => "interface was not found"),
  ...[dockerd, gantryd].map((side) => side(/"(?:ip|mac)vlan",/g, nothing, "gantryd lists what the kernel has")),
];
