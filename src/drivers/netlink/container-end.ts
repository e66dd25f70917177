import type { EndSpec } from "../../ports/links.ts";
import { readLinks } from "./facts.ts";
import { addAddress, addDefaultRoute, setLink } from "./requests.ts";
import { applySetting } from "./settings.ts";
import type { NetlinkSocket } from "./socket.ts";

/** 169.254.0.0/16 */
const LINK_LOCAL_PREFIX = 16;

/** Inside the namespace: brings the container's end up; returns the index of the host's end. */
export function configureEnd(socket: NetlinkSocket, spec: EndSpec): number {
  const link = readLinks(socket).find((candidate) => candidate.name === spec.name);
  if (link === undefined) throw new Error(`link ${spec.name} is not in the namespace`);
  socket.batch([
    addAddress(link.index, spec.address, spec.prefix),
    ...(spec.linkLocal ?? []).map((address) => addAddress(link.index, address, LINK_LOCAL_PREFIX)),
    setLink(link.index, { up: true }),
    ...(spec.gateway === undefined ? [] : [addDefaultRoute(spec.gateway)]),
  ]);
  for (const [name, value] of Object.entries(spec.settings ?? {})) applySetting(name, value);
  return link.peer;
}
