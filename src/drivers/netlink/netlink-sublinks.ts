import fs from "node:fs";
import { errnoOf } from "../../base/errors.ts";
import type { ParentMaking, ParentSpec, SublinkKind, Sublinks, SublinkSpec } from "../../ports/sublinks.ts";
import { closeFd, openFd } from "../syscalls/libc.ts";
import { inNetworkNamespace } from "../syscalls/namespaces.ts";
import { configureEnd, mustFind } from "./container-end.ts";
import { type LinkFact, readLinks } from "./facts.ts";
import { guard } from "./guard.ts";
import { deleteLink, labelLink, setLink, withoutLinkLocal } from "./requests.ts";
import { writeSysctl } from "./settings.ts";
import { NetlinkSocket, type Request, withSocket } from "./socket.ts";
import { addDummy, addLooseVeth, addSublink, addVlan, probeKind } from "./sublink-requests.ts";
import { explainDown, explainRefusal, explainVlan, noKind, noParent, tooLargeMtu } from "./sublink-errors.ts";

/** Until a new link has its own: kernels before 6.12 refuse a name that the host has, though the link is made elsewhere. */
const FIRST_NAME = "gantry-new";

/** macvlan and ipvlan by rtnetlink. Works in the network namespace that the thread is in when the object is made. */
export class NetlinkSublinks implements Sublinks {
  private readonly host = guard("open netlink", () => new NetlinkSocket());
  /** What the kernel was found to have; what it hasn't may come as a module. */
  private readonly known = new Set<SublinkKind["kind"]>();

  close(): void {
    this.host.close();
  }

  supports(kind: SublinkKind["kind"]): boolean {
    if (this.known.has(kind)) return true;
    try {
      this.host.batch([probeKind(kind)]);
    } catch (error) {
      if (errnoOf(error) === "ENOTSUP") return false;
    }
    this.known.add(kind);
    return true;
  }

  ensureParent({ name, kind, make, label }: ParentSpec): void {
    guard(`parent ${name}`, () => {
      if (!this.supports(kind)) throw noKind(kind, kind);
      if (this.find(name)) return;
      if (make === undefined) throw noParent(name);
      const finish = [labelLink(name, label), withoutLinkLocal(name), setLink(name, { up: true })];
      try {
        if (make.kind === "vlan") this.makeVlan(name, make, finish);
        else this.makeIsolated(name, finish);
      } catch (error) {
        this.removeParent(name, label);
        throw error;
      }
    });
  }

  removeParent(name: string, label: string): void {
    guard(`remove parent ${name}`, () => {
      if (this.find(name)?.label === label) this.host.batch([deleteLink(name)]);
    });
  }

  plug(spec: SublinkSpec): void {
    const { netns, name, type } = spec;
    guard(`plug ${name}`, () => {
      const parent = this.find(spec.parent);
      if (parent === undefined) throw noParent(spec.parent);
      if (spec.mtu !== undefined && spec.mtu > parent.mtu) throw tooLargeMtu(spec.mtu, parent);
      const mac = type.kind === "macvlan" ? spec.mac : undefined;
      this.unplug(netns, FIRST_NAME); // what an engine that was killed left
      const netnsFd = openFd(netns, 0);
      try {
        this.host.batch([addSublink({ parent: parent.index, netnsFd, name: FIRST_NAME, mac, mtu: spec.mtu, type })]);
      } catch (error) {
        throw explainRefusal(error, type, parent);
      } finally {
        closeFd(netnsFd);
      }
      try {
        inNetworkNamespace(netns, () => withSocket((socket) => finishInside(socket, spec)));
      } catch (error) {
        throw explainDown(error, type, parent);
      }
    });
  }

  unplug(netns: string, name: string): void {
    if (!fs.existsSync(netns)) return;
    // an engine may have been killed before it gave the link its name
    const names = [name, FIRST_NAME];
    guard(`unplug ${name}`, () =>
      inNetworkNamespace(netns, () => withSocket((socket) => socket.batch(names.map(deleteLink)))),
    );
  }

  private makeVlan(name: string, make: ParentMaking & { kind: "vlan" }, finish: Request[]): void {
    const on = this.find(make.on);
    if (on === undefined) throw noParent(make.on);
    try {
      this.host.batch([addVlan(name, on.index, make.id), ...finish]);
    } catch (error) {
      if (errnoOf(error) === "ENOTSUP") throw noKind("vlan", "8021q", error);
      throw explainVlan(error, name, on);
    }
  }

  /** A veth serves as well where there is no dummy: its other end is up, but has nobody behind it. */
  private makeIsolated(name: string, finish: Request[]): void {
    try {
      this.host.batch([addDummy(name), ...finish]);
    } catch (error) {
      if (errnoOf(error) !== "ENOTSUP") throw error;
      const peer = name.replace("dm-", "dp-");
      this.host.batch([addLooseVeth(name, peer), ...finish, withoutLinkLocal(peer), setLink(peer, { up: true })]);
    }
  }

  private find(name: string): LinkFact | undefined {
    return readLinks(this.host).find((link) => link.name === name);
  }
}

function finishInside(socket: NetlinkSocket, spec: SublinkSpec): void {
  const { index } = mustFind(socket, FIRST_NAME);
  try {
    socket.batch([setLink(index, { name: spec.name })]);
    configure(socket, spec);
  } catch (error) {
    socket.batch([deleteLink(index)]);
    throw error;
  }
}

function configure(socket: NetlinkSocket, spec: SublinkSpec): void {
  const { name, mac, type } = spec;
  // a passthru link begins with its parent's address, and hands on to it the one that it gets
  if (type.kind === "macvlan" && type.mode === "passthru") socket.batch([setLink(name, { mac })]);
  // others on the wire may know the address by another MAC: tell them
  writeSysctl(`ipv4/conf/${name}/arp_notify`, "1");
  writeSysctl(`ipv6/conf/${name}/ndisc_notify`, "1");
  configureEnd(socket, spec);
}
