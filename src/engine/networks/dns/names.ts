import { addressesOf, type NetworkRecord, type SandboxRecord } from "../record.ts";
import { dnsNames } from "../render.ts";

/** The names on one network. */
export interface NetworkNames {
  /** Addresses of both families by name in lower case. */
  addresses: Map<string, string[]>;
  /** Container names by address. */
  containers: Map<string, string>;
}

/** Who is found by which name on which network; made when somebody asks, forgotten when anything changes. */
export class NameIndex {
  private readonly sandboxes: () => Iterable<SandboxRecord>;
  private readonly known = new Map<string, NetworkNames>();

  constructor(sandboxes: () => Iterable<SandboxRecord>) {
    this.sandboxes = sandboxes;
  }

  changed(): void {
    this.known.clear();
  }

  on(network: NetworkRecord): NetworkNames {
    const before = this.known.get(network.id);
    if (before) return before;
    const names = namesOn(network, this.sandboxes());
    this.known.set(network.id, names);
    return names;
  }
}

function namesOn(network: NetworkRecord, sandboxes: Iterable<SandboxRecord>): NetworkNames {
  const addresses = new Map<string, string[]>();
  const containers = new Map<string, string>();
  if (network.builtin) return { addresses, containers };
  for (const sandbox of sandboxes) {
    for (const { networkId, cable, asked } of sandbox.endpoints) {
      if (networkId !== network.id || cable === undefined) continue;
      const own = addressesOf(cable);
      for (const address of own) containers.set(address, sandbox.containerName);
      for (const name of new Set(dnsNames(asked, sandbox).map((one) => one.toLowerCase()))) {
        const others = addresses.get(name);
        if (others) others.push(...own);
        else addresses.set(name, [...own]);
      }
    }
  }
  return { addresses, containers };
}
