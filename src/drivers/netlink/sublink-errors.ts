import { errnoOf, GantryError } from "../../base/errors.ts";
import type { SublinkKind } from "../../ports/sublinks.ts";
import type { LinkFact } from "./facts.ts";

export const noParent = (name: string): GantryError =>
  new GantryError(
    "notFound",
    "NO_PARENT_LINK",
    `the requested parent interface ${name} was not found on the Docker host`,
    {
      hint: "ip -br link shows which there are",
    },
  );

/** `module`: what a kernel that has it as a module calls it. */
export const noKind = (kind: string, module: string, cause?: unknown): GantryError =>
  new GantryError(
    "notImplemented",
    "NO_LINK_KIND",
    `the kernel of this host has no ${kind} links: load them with 'modprobe ${module}', or run a kernel that has them`,
    { cause },
  );

export const tooLargeMtu = (mtu: number, parent: LinkFact): GantryError =>
  new GantryError("invalid", "BAD_MTU", `MTU ${mtu} is larger than the ${parent.mtu} of parent ${parent.name}`, {
    hint: `leave com.docker.network.driver.mtu out, or: ip link set ${parent.name} mtu ${mtu}`,
  });

export const explainVlan = (error: unknown, name: string, on: LinkFact): unknown => {
  const code = errnoOf(error);
  if (code === "ENETDOWN") {
    return new GantryError(
      "conflict",
      "PARENT_DOWN",
      `failed to enable ${name} the macvlan parent link: network is down: bring ${on.name} up first`,
      { cause: error, hint: `ip link set ${on.name} up` },
    );
  }
  if (code === "EEXIST" || code === "EBUSY") {
    const message = `failed to create ${name} vlan link: ${on.name} has a link for this VLAN already, under another name`;
    return new GantryError("conflict", "PARENT_IN_USE", message, { cause: error, hint: `ip -d link show type vlan` });
  }
  return error;
};

/** A kernel's refusal of a link on a parent, in Docker's words and with the cause that it stands for. */
export function explainRefusal(error: unknown, type: SublinkKind, parent: LinkFact): unknown {
  const failed = `failed to create the ${type.kind} port`;
  switch (errnoOf(error)) {
    case "ENOTSUP":
      return noKind(type.kind, type.kind, error);
    case "EBUSY":
      return new GantryError(
        "conflict",
        "PARENT_IN_USE",
        `${failed}: device or resource busy: ${parent.name} is a port of a bridge or bond, or the parent of links of another kind or mode`,
        { cause: error, hint: `ip -d link show ${parent.name}` },
      );
    case "EINVAL":
      return new GantryError("invalid", "BAD_PARENT", `${failed}: invalid argument: ${whyInvalid(type, parent)}`, {
        cause: error,
      });
    default:
      return error;
  }
}

/** A kernel's refusal to bring up the link that was made. */
export const explainDown = (error: unknown, { kind }: SublinkKind, parent: LinkFact): unknown =>
  errnoOf(error) === "EADDRINUSE"
    ? new GantryError(
        "conflict",
        "MAC_IN_USE",
        `failed to create the ${kind} port: address already in use: another link on ${parent.name} has this address`,
        { cause: error },
      )
    : error;

const whyInvalid = (type: SublinkKind, parent: LinkFact): string =>
  type.kind === "macvlan" && type.mode === "passthru"
    ? `${parent.name} is no Ethernet link, or not free: passthru takes it for one container alone`
    : `${parent.name} is no Ethernet link, or another took it alone with mode passthru`;
