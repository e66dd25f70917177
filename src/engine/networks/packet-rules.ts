import { messageOf } from "../../base/errors.ts";
import { familyOf } from "../../base/ip-address.ts";
import type { Firewall, FirewallNetwork, GuardedCable, PublishedPort } from "../../ports/firewall.ts";
import type { Links } from "../../ports/links.ts";
import type { Logger } from "../../ports/logger.ts";
import type { NetworkCatalog } from "./catalog.ts";
import { addressesOf, type EndpointRecord, type NetworkRecord, publishedPorts, type SandboxRecord } from "./record.ts";

export interface PacketRulesDeps {
  firewall: Firewall;
  links: Links;
  catalog: NetworkCatalog;
  logger: Logger;
}

/** What the records say, as the firewall's rules, and what the kernel still remembers of connections from before. */
export class PacketRules {
  private readonly deps: PacketRulesDeps;

  constructor(deps: PacketRulesDeps) {
    this.deps = deps;
  }

  /** All rules, in one transaction. */
  sync(sandboxes: SandboxRecord[]): void {
    const allowed = sandboxes.flatMap((sandbox) => sandbox.allowed ?? []);
    const networks = this.deps.catalog.list().flatMap((network) => rulesOf(network, allowed) ?? []);
    if (networks.some(({ icc }) => !icc)) this.keepApart();
    this.deps.firewall.sync(
      networks,
      translated(sandboxes.flatMap(publishedPorts)),
      sandboxes.flatMap(({ endpoints }) => this.guarded(endpoints)),
    );
  }

  publish(published: PublishedPort[], joining: EndpointRecord[] = []): void {
    const ports = translated(published);
    this.deps.firewall.publish(ports, this.guarded(joining));
    const udp = ports.filter((port) => port.protocol === "udp" && !port.routed);
    if (udp.length === 0) return;
    const own = this.deps.links.addresses();
    const flows = udp.flatMap(({ hostAddress, hostPort }) => {
      const isAny = hostAddress === "0.0.0.0" || hostAddress === "::";
      const addresses = isAny ? own.filter((one) => familyOf(one) === familyOf(hostAddress)) : [hostAddress];
      return addresses.map((address) => ({ side: "to" as const, address, port: hostPort }));
    });
    this.deps.links.forgetUdpFlows(flows);
  }

  unpublish(published: PublishedPort[], leaving: EndpointRecord[] = []): void {
    const ports = translated(published);
    this.deps.firewall.unpublish(ports, this.guarded(leaving));
    const udp = ports.filter((port) => port.protocol === "udp");
    this.deps.links.forgetUdpFlows(udp.map(({ address, port }) => ({ side: "from" as const, address, port })));
  }

  private guarded(endpoints: EndpointRecord[]): GuardedCable[] {
    return endpoints.flatMap(({ networkId, cable }) => {
      if (cable?.hostName === undefined || this.deps.catalog.byId(networkId)?.bridge?.guard === false) return [];
      return [{ link: cable.hostName, addresses: addressesOf(cable) }];
    });
  }

  /** A kernel that can't is no reason to leave the other rules out. */
  private keepApart(): void {
    try {
      this.deps.links.filterWithinBridges();
    } catch (error) {
      this.deps.logger.error("containers of one network can't be kept apart", { error: messageOf(error) });
    }
  }
}

const translated = (ports: PublishedPort[]): PublishedPort[] => ports.filter(({ relayed }) => !relayed);

function rulesOf(
  { bridge, subnets, builtin, internal }: NetworkRecord,
  allowed: NonNullable<SandboxRecord["allowed"]>,
): FirewallNetwork | undefined {
  if (!bridge) return undefined;
  const { link, icc, masquerade, routed } = bridge;
  return {
    ...{ bridge: link, internal, icc, masquerade, routed },
    subnets: subnets.map(({ subnet }) => subnet),
    ...(bridge.guard !== false && { gateways: subnets.map(({ gateway }) => gateway).filter(Boolean) }),
    ...(builtin && !icc && { allowed }),
  };
}
