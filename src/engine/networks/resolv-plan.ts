import type { Links } from "../../ports/links.ts";
import type { SandboxRecord } from "./record.ts";
import {
  containerResolv,
  type DnsWish,
  hostResolv,
  NO_DNS_WISH,
  ownResolv,
  parseResolvConf,
  type Resolv,
} from "./resolv.ts";

/** What resolv.conf of containers holds, by what the host's holds now. */
export class ResolvPlan {
  private readonly links: Pick<Links, "hostResolvConf">;

  constructor(links: ResolvPlan["links"]) {
    this.links = links;
  }

  /** Of one that 127.0.0.11 answers, and whom that asks on. */
  named(wish: DnsWish = NO_DNS_WISH): ReturnType<typeof ownResolv> {
    return ownResolv(this.host(), wish);
  }

  /** Of one without names of its own. */
  unnamed(
    { ownNamespace, endpoints }: Pick<SandboxRecord, "ownNamespace" | "endpoints">,
    wish: DnsWish = NO_DNS_WISH,
  ): Resolv {
    if (!ownNamespace) return hostResolv(this.host(), wish);
    const hasIpv6 = endpoints.some(({ cable }) => cable?.address6);
    return containerResolv(this.host(), wish, hasIpv6);
  }

  private host(): Resolv {
    return parseResolvConf(this.links.hostResolvConf());
  }
}
