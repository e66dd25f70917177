import { GantryError } from "../../../../src/base/errors.ts";
import { shapeWords } from "../../../../src/base/traffic-shape.ts";
import type { AttachRequest } from "../../../../src/engine/networks/contract.ts";
import { Networks } from "../../../../src/engine/networks/networks.ts";
import type { Firewall, PublishedPort } from "../../../../src/ports/firewall.ts";
import type { Links } from "../../../../src/ports/links.ts";
import type { NameServers } from "../../../../src/ports/name-servers.ts";
import type { Resolv } from "../../../../src/engine/networks/resolv.ts";
import type { PortReservations } from "../../../../src/ports/port-reservations.ts";
import type { Traffic } from "../../../../src/ports/traffic.ts";
import type { StateChange, StateStore } from "../../../../src/ports/state-store.ts";
import type { Sublinks } from "../../../../src/ports/sublinks.ts";

type Answer = Parameters<NameServers["serve"]>[1];

export class Killed extends Error {}

/** A host in memory: what is there can be read, and any effect can be made to fail. */
export class FakeHost {
  readonly bridges = new Map<string, string>();
  readonly namespaces = new Set<string>();
  /** Host's end → namespace and address. */
  readonly cables = new Map<string, string>();
  /** Parents of macvlan links that were made. */
  readonly parents = new Set<string>();
  /** "namespace link" → parent and address. */
  readonly sublinks = new Map<string, string>();
  readonly gateways = new Map<string, string | undefined>();
  /** Host's end → in words. */
  readonly shaped = new Map<string, string>();
  readonly published = new Map<string, PublishedPort>();
  readonly held = new Set<string>();
  readonly stored = new Map<string, Map<string, string>>();
  readonly events: string[] = [];
  /** Answers of the name servers that are open, by namespace. */
  readonly answering = new Map<string, Answer>();
  /** What upstream servers say, by address; others don't answer. */
  readonly upstream = new Map<string, (query: Buffer) => Buffer>();
  /** "server namespace transport", in order. */
  readonly asked: string[] = [];
  readonly resolvs = new Map<string, Resolv>();
  readonly complaints: string[] = [];
  /** "network container", in order. */
  readonly withdrawn: string[] = [];
  /** The kernel has it. */
  ipv6 = true;
  /** Names of the effects that fail from now on. */
  readonly failing = new Set<string>();
  private left = Number.POSITIVE_INFINITY;
  private count = 0;
  private now = 0;
  private readonly timers = new Set<{ at: number; fn: () => void }>();

  /** `bip` "none": without the option. */
  engine(bip = "172.30.0.1/16"): Networks {
    const networks = new Networks({
      state: this.state(),
      links: this.links(),
      sublinks: this.sublinkDriver(),
      firewall: this.firewall(),
      traffic: this.traffic(),
      reservations: this.reservations(),
      nameServers: this.nameServers(),
      clock: {
        now: () => this.now,
        stamp: () => "2026-01-01T00:00:00.000000001Z",
        after: (ms, fn) => {
          const timer = { at: this.now + ms, fn };
          this.timers.add(timer);
          return () => void this.timers.delete(timer);
        },
      },
      ids: { id: () => (++this.count).toString(16).padStart(4, "0").padEnd(64, "0"), name: () => "" },
      logger: {
        debug: () => {},
        info: () => {},
        warn: (text) => void this.complaints.push(text),
        error: (text) => void this.complaints.push(text),
      },
      publish: (action, _id, attributes) => void this.events.push(`${action} ${attributes["name"]}`),
      namespacesOf: (id) => ({ netns: `/run/gantry/netns/${id}` }),
      withdrawn: (id, name) => void this.withdrawn.push(`${name} ${id}`),
      resolvChanged: (id, resolv) => {
        this.effect("resolvChanged");
        this.resolvs.set(id, resolv);
      },
      options: { bridge: "gantry0", execRoot: "/run/gantry", engineId: "e", ...(bip === "none" ? {} : { bip }) },
    });
    networks.init();
    return networks;
  }

  /** Lets so many milliseconds go by. */
  pass(ms: number): void {
    this.now += ms;
    for (const timer of this.timers) if (timer.at <= this.now && this.timers.delete(timer)) timer.fn();
  }

  /** All that a container leaves traces in. */
  traces(): unknown[] {
    return [
      ...this.namespaces,
      ...this.cables.keys(),
      ...this.sublinks.keys(),
      ...this.answering.keys(),
      ...this.published.keys(),
      ...this.held,
      ...(this.stored.get("endpoints")?.keys() ?? []),
    ];
  }

  /** The engine is killed before its effect of that number, from now on: nothing more of it happens. */
  killAt(effect: number): void {
    this.left = effect;
  }

  private effect(what: string): void {
    if (this.left-- <= 0) throw new Killed();
    if (this.failing.has(what)) throw new GantryError("internal", "FAILED", `${what} failed`);
  }

  private state(): StateStore {
    const bucketOf = (name: string): Map<string, string> => this.stored.get(name) ?? new Map<string, string>();
    return {
      get: () => undefined,
      list: <T>(bucket: string) =>
        [...bucketOf(bucket)].map(([key, text]) => [key, JSON.parse(text) as T] as [string, T]),
      commit: (changes: StateChange[]) => {
        this.effect(changes.some((change) => change.value !== undefined) ? "commit" : "forget");
        for (const { bucket, key, value } of changes) {
          if (!this.stored.has(bucket)) this.stored.set(bucket, new Map());
          if (value === undefined) bucketOf(bucket).delete(key);
          else bucketOf(bucket).set(key, JSON.stringify(value));
        }
      },
      synced: async () => {},
      close: () => {},
    };
  }

  private sublinkDriver(): Sublinks {
    return {
      supports: (kind) => kind === "macvlan",
      ensureParent: ({ name, make }) => {
        this.effect("ensureParent");
        if (make) this.parents.add(name);
      },
      removeParent: (name) => {
        this.effect("removeParent");
        this.parents.delete(name);
      },
      plug: (spec) => {
        this.effect("plug");
        this.sublinks.set(`${spec.netns} ${spec.name}`, `${spec.parent} ${spec.addresses.join(" ")}`);
        if (spec.gateways?.length) this.gateways.set(spec.netns, spec.gateways.join(" "));
      },
      unplug: (netns, name) => {
        this.effect("unplug");
        this.sublinks.delete(`${netns} ${name}`);
      },
    };
  }

  private links(): Links {
    return {
      ensureBridge: (spec) => {
        this.effect("ensureBridge");
        this.bridges.set(spec.name, spec.addresses.join(" "));
      },
      removeLink: (name) => {
        this.effect("removeLink");
        this.bridges.delete(name);
        this.cables.delete(name);
      },
      removeOwnBridge: (name) => {
        this.bridges.delete(name);
      },
      createNamespace: (file) => {
        this.effect("createNamespace");
        this.namespaces.add(file);
      },
      removeUserNamespace: (file) => {
        this.namespaces.delete(file);
      },
      removeNamespace: (file) => {
        this.namespaces.delete(file);
        for (const key of this.sublinks.keys()) if (key.startsWith(`${file} `)) this.sublinks.delete(key);
        for (const [name, where] of this.cables) if (where.startsWith(`${file} `)) this.cables.delete(name);
      },
      namespacesIn: (folder) => [...this.namespaces].map((file) => file.slice(folder.length + 1)),
      plug: (spec) => {
        this.effect("plug");
        this.cables.set(spec.hostName, `${spec.netns} ${spec.name} ${spec.addresses.join(" ")}`);
        if (spec.gateways?.length) this.gateways.set(spec.netns, spec.gateways.join(" "));
      },
      allowHairpin: () => this.effect("allowHairpin"),
      setWaysOut: (netns, ways) => {
        this.effect("setWaysOut");
        this.gateways.set(netns, ways.map(({ gateway }) => gateway).join(" ") || undefined);
      },
      list: () => [...this.cables.keys()].map((name, index) => ({ index, name, up: true, label: "gantry gantry0 x" })),
      state: () => ({ links: [], routes: [] }),
      takenRanges: () => ["172.17.4.0/24"],
      uplinkMtu: () => 1400,
      addresses: () => ["127.0.0.1"],
      hasIpv6: () => this.ipv6,
      enableForwarding: () => {},
      filterWithinBridges: () => {},
      forgetUdpFlows: () => {},
      hostResolvConf: () => "nameserver 10.0.0.53\n",
    };
  }

  private traffic(): Traffic {
    return {
      require: () => this.effect("require"),
      shape: ({ hostName }, shape) => {
        this.effect("shape");
        this.shaped.set(hostName, shapeWords(shape));
      },
      clear: ({ hostName }) => void this.shaped.delete(hostName),
      sweep: (names) => {
        for (const name of this.shaped.keys()) if (!names.has(name)) this.shaped.delete(name);
      },
    };
  }

  private firewall(): Firewall {
    const key = (port: PublishedPort): string => `${port.hostAddress}:${port.hostPort}/${port.protocol}`;
    return {
      sync: (_networks, ports) => {
        this.effect("sync");
        this.published.clear();
        for (const port of ports) this.published.set(key(port), port);
      },
      publish: (ports) => {
        this.effect("publish");
        for (const port of ports) this.published.set(key(port), port);
      },
      unpublish: (ports) => {
        this.effect("unpublish");
        for (const port of ports) this.published.delete(key(port));
      },
      keep: () => {},
      close: () => {},
      published: () => [...this.published.values()],
      chains: () => undefined,
      remove: () => this.published.clear(),
    };
  }

  private nameServers(): NameServers {
    return {
      serve: (netns, answer) => {
        this.effect("serve");
        this.answering.set(netns, answer);
        return { close: () => void this.answering.delete(netns) };
      },
      ask: async ({ server, netns, via, query, signal }) => {
        this.asked.push(`${server} ${netns ?? "host"} ${via}`);
        const reply = this.upstream.get(server)?.(query);
        if (reply) return reply;
        if (server !== "silent") throw new GantryError("unavailable", "UPSTREAM_FAILED", `${server}: refused`);
        return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("given up"))));
      },
    };
  }

  private reservations(): PortReservations {
    return {
      reserve: (claim) => Boolean(this.held.add(`${claim.protocol} ${claim.port}`)),
      release: (claim) => void this.held.delete(`${claim.protocol} ${claim.port}`),
      relay: () => {},
      holder: () => undefined,
      ephemeralRange: () => ({ first: 32768, last: 60999 }),
    };
  }
}

export const request = (name: string, more: Partial<AttachRequest> = {}): AttachRequest => ({
  containerId: name.padEnd(64, "0"),
  containerName: name,
  hostname: `${name}.example`,
  networkMode: "default",
  endpoints: {},
  exposedPorts: [],
  portBindings: {},
  publishAll: false,
  ...more,
});
