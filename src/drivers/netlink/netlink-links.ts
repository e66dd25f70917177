import fs from "node:fs";
import path from "node:path";
import { errnoOf, GantryError } from "../../base/errors.ts";
import { familyOf, type IpFamily } from "../../base/ip-address.ts";
import type {
  BridgeSpec,
  FlowEnd,
  HostLink,
  Links,
  NamespaceOwner,
  NetworkState,
  PlugSpec,
  WayOut,
} from "../../ports/links.ts";
import { runSync } from "../process/run.ts";
import { closeFd, openFd } from "../syscalls/libc.ts";
import { MNT_DETACH, MS, mount, umount } from "../syscalls/mount.ts";
import { createNetworkNamespace, inNetworkNamespace } from "../syscalls/namespaces.ts";
import { inNewNamespaces } from "../syscalls/user-namespaces.ts";
import { forgetUdp } from "./conntrack.ts";
import { configureEnd, mustFind } from "./container-end.ts";
import { readAddresses, readLinks, readRoutes, readState } from "./facts.ts";
import { enableForwarding, enableForwarding6 } from "./forwarding.ts";
import { guard } from "./guard.ts";
import { addAddress, addDefaultRoute, deleteAddress, deleteDefaultRoute } from "./ip-requests.ts";
import {
  addBridge,
  addVethPair,
  deleteLink,
  hairpin,
  labelLink,
  pinMac,
  setLink,
  withoutLinkLocal,
} from "./requests.ts";
import { readResolvConf } from "./resolv-conf.ts";
import { writeSysctl } from "./settings.ts";
import { NETLINK, NetlinkSocket, withSocket } from "./socket.ts";

/** The host on each bridge with IPv6: without a link-local address it could not look for whom it forwards packets to. */
const ROUTER = "fe80::1/64";
/** On bridges that Gantry made; one of the admin's is used as it is and never removed. */
const BRIDGE_LABEL = "gantry";
const NSFS_MAGIC = 0x6e736673;

/** Links by rtnetlink. Works in the network namespace that the thread is in when the object is made. */
export class NetlinkLinks implements Links {
  private readonly host = guard("open netlink", () => new NetlinkSocket());
  private netfilter: NetlinkSocket | undefined;
  /** Indexes of links by name; an entry is dropped as soon as the kernel disagrees. */
  private readonly indexes = new Map<string, number>();

  close(): void {
    this.host.close();
    this.netfilter?.close();
  }

  ensureBridge(spec: BridgeSpec): void {
    guard(`bridge ${spec.name}`, () => {
      let link = readLinks(this.host).find((candidate) => candidate.name === spec.name);
      if (link === undefined) {
        this.host.batch([
          addBridge(spec.name, spec.mac, spec.mtu),
          labelLink(spec.name, BRIDGE_LABEL),
          withoutLinkLocal(spec.name),
        ]);
        link = readLinks(this.host).find((candidate) => candidate.name === spec.name);
      }
      if (link === undefined) throw new Error("the new bridge is not there");
      if (link.kind !== "bridge") {
        throw new GantryError("conflict", "NOT_A_BRIDGE", `link ${spec.name} exists and is not a bridge`);
      }
      const { index } = link;
      this.indexes.set(spec.name, index);
      const ipv6 = spec.addresses.some((cidr) => familyOf(cidr) === 6);
      // published ports on 127.0.0.1 need the first; accept_ra keeps a container's router advertisements out
      writeSysctl(`ipv4/conf/${spec.name}/route_localnet`, "1");
      writeSysctl(`ipv6/conf/${spec.name}/accept_ra`, "0");
      writeSysctl(`ipv6/conf/${spec.name}/disable_ipv6`, ipv6 ? "0" : "1");
      const wanted = [...spec.addresses, ...(ipv6 ? [ROUTER] : [])];
      const stale = readAddresses(this.host).filter(({ link: on, cidr }) => on === index && !wanted.includes(cidr));
      this.host.batch([
        ...stale.map(({ cidr }) => deleteAddress(index, cidr)),
        ...wanted.map((cidr) => addAddress(index, cidr)),
        ...(spec.mtu !== undefined && spec.mtu !== link.mtu ? [setLink(index, { mtu: spec.mtu })] : []),
        setLink(index, { up: true }),
      ]);
    });
  }

  removeOwnBridge(name: string): void {
    const own = readLinks(this.host).some((link) => link.name === name && link.label === BRIDGE_LABEL);
    if (own) this.removeLink(name);
  }

  removeLink(name: string): void {
    this.indexes.delete(name);
    guard(`remove link ${name}`, () => this.host.batch([deleteLink(name)]));
  }

  createNamespace(file: string, owner?: NamespaceOwner): void {
    guard(`network namespace ${file}`, () => {
      if (isNamespace(file)) return;
      makePlace(file);
      if (owner === undefined) createNetworkNamespace(file);
      else createOwnedNamespace(file, owner);
      inNetworkNamespace(file, () => {
        // no link has IPv6 until it gets an address of the engine's; ::1 stays
        writeSysctl("ipv6/conf/default/disable_ipv6", "1");
        withSocket((socket) => socket.batch([setLink("lo", { up: true })]));
      });
    });
  }

  removeNamespace(file: string): void {
    guard(`remove network namespace ${file}`, () => {
      if (isNamespace(file)) silence(file);
      removePlace(file);
    });
  }

  removeUserNamespace(file: string): void {
    guard(`remove user namespace ${file}`, () => removePlace(file));
  }

  namespacesIn(folder: string): string[] {
    return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  }

  plug(spec: PlugSpec): void {
    guard(`plug ${spec.hostName}`, () => {
      const bridge = this.indexOf(spec.bridge);
      const netnsFd = openFd(spec.netns, 0);
      try {
        // one send: a kill leaves no cable without its label
        this.host.batch([
          addVethPair({ ...spec, netnsFd }),
          labelLink(spec.hostName, spec.label),
          withoutLinkLocal(spec.hostName),
        ]);
      } finally {
        closeFd(netnsFd);
      }
      try {
        const port = inNetworkNamespace(spec.netns, () => withSocket((socket) => configureEnd(socket, spec)));
        this.host.batch([
          setLink(port, { master: bridge, up: true }),
          ...(spec.hairpin ? [hairpin(port)] : []),
          pinMac(port, spec.mac),
        ]);
      } catch (error) {
        this.removeLink(spec.hostName);
        throw error;
      }
    });
  }

  allowHairpin(hostName: string): void {
    guard(`hairpin of ${hostName}`, () => {
      const port = readLinks(this.host).find(({ name }) => name === hostName);
      if (port === undefined) throw new Error(`there is no link ${hostName}`);
      this.host.batch([hairpin(port.index)]);
    });
  }

  setWaysOut(netns: string, ways: WayOut[]): void {
    const without = ([4, 6] as const).filter((family) => !ways.some(({ gateway }) => familyOf(gateway) === family));
    guard(`ways out of ${netns}`, () =>
      inNetworkNamespace(netns, () =>
        withSocket((socket) =>
          socket.batch([
            ...ways.map(({ gateway, link }) => addDefaultRoute(gateway, mustFind(socket, link).index)),
            ...without.map(deleteDefaultRoute),
          ]),
        ),
      ),
    );
  }

  list(): HostLink[] {
    return guard("list links", () => readLinks(this.host));
  }

  state(netns?: string): NetworkState {
    if (netns === undefined) return guard("list links", () => readState(this.host));
    return guard(`list links in ${netns}`, () => inNetworkNamespace(netns, () => withSocket(readState)));
  }

  takenRanges(): string[] {
    return guard("list routes", () => [
      ...readAddresses(this.host).map(({ cidr }) => cidr),
      ...readRoutes(this.host).flatMap(({ to }) => (to === "default" ? [] : [to])),
    ]);
  }

  addresses(): string[] {
    return guard("list addresses", () => readAddresses(this.host).flatMap(({ cidr }) => cidr.split("/")[0] ?? []));
  }

  hasIpv6(): boolean {
    return fs.existsSync("/proc/sys/net/ipv6/conf/all");
  }

  uplinkMtu(): number | undefined {
    return guard("list routes", () => {
      const uplink = readRoutes(this.host).find((route) => route.to === "default" && route.link !== 0)?.link;
      return readLinks(this.host).find((link) => link.index === uplink)?.mtu;
    });
  }

  enableForwarding(family: IpFamily): void {
    guard("enable forwarding", () => (family === 4 ? enableForwarding() : enableForwarding6()));
  }

  filterWithinBridges(): void {
    const file = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    guard("filter within bridges", () => {
      if (!fs.existsSync(file)) runSync("modprobe", ["br_netfilter"]);
      if (fs.readFileSync(file, "utf8").trim() !== "1") fs.writeFileSync(file, "1");
    });
  }

  forgetUdpFlows(ends: FlowEnd[]): void {
    if (ends.length === 0) return;
    guard("forget flows", () => {
      this.netfilter ??= new NetlinkSocket(NETLINK.NETFILTER);
      this.netfilter.batch(ends.map(forgetUdp));
    });
  }

  hostResolvConf(): string {
    return readResolvConf();
  }

  private indexOf(name: string): number {
    const known = this.indexes.get(name);
    if (known !== undefined) return known;
    const link = readLinks(this.host).find((candidate) => candidate.name === name);
    if (link === undefined) throw new Error(`there is no link ${name}`);
    this.indexes.set(name, link.index);
    return link.index;
  }
}

/**
 * Takes addresses and links on the host's parents away at once: the namespace itself goes when the kernel gets round to
 * it, or when the last process that shares it ends, and must not answer for addresses, or hold MACs and parents, that
 * may be given out again by then.
 */
function silence(file: string): void {
  inNetworkNamespace(file, () =>
    withSocket((socket) => {
      const sublinks = readLinks(socket).filter(({ kind }) => kind === "macvlan" || kind === "ipvlan");
      socket.batch(sublinks.map(({ name }) => deleteLink(name)));
      const addresses = readAddresses(socket).filter(({ cidr }) => !/^(127\.|::1\/)/.test(cidr));
      socket.batch(addresses.map(({ link, cidr }) => deleteAddress(link, cidr)));
    }),
  );
}

/** A file to bind a namespace to. */
function makePlace(file: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o711 });
  fs.closeSync(fs.openSync(file, "a", 0o444));
}

function removePlace(file: string): void {
  try {
    umount(file, MNT_DETACH);
  } catch (error) {
    if (!["EINVAL", "ENOENT"].includes(errnoOf(error) ?? "")) throw error;
  }
  fs.rmSync(file, { force: true });
}

/** Only who is in the user namespace makes a network namespace that belongs to it. */
function createOwnedNamespace(file: string, owner: NamespaceOwner): void {
  const user = owner.own ? { map: owner.map } : { path: owner.path };
  if (owner.own) {
    removePlace(owner.path);
    makePlace(owner.path);
  }
  inNewNamespaces({ user, network: true }, (pid) => {
    if (owner.own) mount(`/proc/${pid}/ns/user`, owner.path, "none", MS.BIND);
    mount(`/proc/${pid}/ns/net`, file, "none", MS.BIND);
  });
}

const isNamespace = (file: string): boolean => {
  try {
    return fs.statfsSync(file).type === NSFS_MAGIC;
  } catch {
    return false;
  }
};
