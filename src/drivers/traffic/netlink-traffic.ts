import { GantryError, messageOf } from "../../base/errors.ts";
import type { TrafficShape } from "../../base/traffic-shape.ts";
import type { CableEnds, Traffic } from "../../ports/traffic.ts";
import { readLinks } from "../netlink/facts.ts";
import { type NetlinkSocket, type Request, withSocket } from "../netlink/socket.ts";
import { openLibrarySession } from "../nft/library.ts";
import { tableName } from "../nft/plan.ts";
import { inFreshNetworkNamespace, inNetworkNamespace } from "../syscalls/namespaces.ts";
import { planLoss, planNoLoss, tablesOf } from "./chance.ts";
import { type KernelParts, planTraffic, type TrafficPlan } from "./plan.ts";
import { addNetem, addTbf, deleteQdisc } from "./qdiscs.ts";

/** In a container's own namespace there is no other engine to tell apart. */
const TABLE_INSIDE = "gantry_shape";
/** The loopback of a fresh namespace. */
const LOOPBACK = { index: 1, name: "lo" };
const TRIES = { tbf: addTbf(LOOPBACK.index, 1e6), netem: addNetem(LOOPBACK.index, { delay: 1e6 }) };

/** By queueing disciplines (rtnetlink) and nftables on links, in the network namespace that the thread is in. */
export class NetlinkTraffic implements Traffic {
  /** Tables on the host begin so; what follows is the cable's name there. */
  private readonly prefix: string;
  /** What was found once stays there; what is missing may be loaded later. */
  private readonly parts: KernelParts = { netem: false, tbf: false, chance: false };

  /** `bridge`: the engine's default bridge, which names its tables. */
  constructor(bridge: string) {
    this.prefix = `${tableName(bridge)}_`;
  }

  require(shape: TrafficShape): void {
    this.plan(shape);
  }

  shape(cable: CableEnds, shape: TrafficShape): void {
    const plan = this.plan(shape);
    guard(`shape ${cable.hostName}`, () => {
      putOn(cable.hostName, this.prefix + cable.hostName, plan);
      inNetworkNamespace(cable.netns, () => putOn(cable.name, TABLE_INSIDE, plan));
    });
  }

  clear(cable: CableEnds): void {
    guard(`clear ${cable.hostName}`, () => {
      putOn(cable.hostName, this.prefix + cable.hostName, {});
      inNetworkNamespace(cable.netns, () => putOn(cable.name, TABLE_INSIDE, {}));
    });
  }

  sweep(hostNames: ReadonlySet<string>): void {
    guard("sweep shapes", () => {
      const tables = tablesOf(nft("list tables"), this.prefix);
      for (const table of tables) {
        if (!hostNames.has(table.slice(this.prefix.length))) nft(planNoLoss(table).join("\n"));
      }
    });
  }

  private plan(shape: TrafficShape): TrafficPlan {
    if (!Object.values(this.parts).every(Boolean)) Object.assign(this.parts, guard("try out the kernel", tryParts));
    return planTraffic(shape, this.parts);
  }
}

/** What of the plan there is, and nothing else, on one end of a cable. */
function putOn(name: string, table: string, { qdisc, drop }: TrafficPlan): void {
  withSocket((socket) => {
    const index = readLinks(socket).find((link) => link.name === name)?.index;
    if (index === undefined) return; // it has gone, and all with it but a table
    const add = qdisc && (qdisc.kind === "tbf" ? addTbf(index, qdisc.rate) : addNetem(index, qdisc));
    socket.batch([deleteQdisc(index)]);
    if (add) socket.batch([add]);
  });
  nft(drop === undefined ? planNoLoss(table).join("\n") : planLoss(table, name, drop));
}

/** In a namespace that is thrown away. */
const tryParts = (): KernelParts =>
  inFreshNetworkNamespace(() => ({
    tbf: withSocket((socket) => works(socket, TRIES.tbf)),
    netem: withSocket((socket) => works(socket, TRIES.netem)),
    chance: succeeds(() => nft(planLoss(TABLE_INSIDE, LOOPBACK.name, 1))),
  }));

function works(socket: NetlinkSocket, add: Request): boolean {
  const added = succeeds(() => socket.batch([add]));
  socket.batch([deleteQdisc(LOOPBACK.index)]);
  return added;
}

function succeeds(body: () => unknown): boolean {
  try {
    body();
    return true;
  } catch {
    return false;
  }
}

/** One transaction, in the network namespace that the thread is in. */
function nft(text: string): string {
  const session = openLibrarySession();
  if (session === undefined) throw new Error("libnftables.so.1 cannot be loaded");
  try {
    const { code, output, error } = session.run(text);
    if (code !== 0) throw new Error(`nft: ${error.split("\n")[0]?.trim()}`);
    return output;
  } finally {
    session.close();
  }
}

function guard<T>(what: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    if (cause instanceof GantryError) throw cause;
    throw new GantryError("internal", "SHAPING_FAILED", `${what}: ${messageOf(cause)}`, { cause });
  }
}
