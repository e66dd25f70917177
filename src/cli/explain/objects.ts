import { bytesSize } from "../../base/units.ts";
import type { ImageExplanation, NetworkExplanation } from "../../wire/types/explain.ts";
import { firewallParts, layerTable } from "./container.ts";
import type { Cell, Picture } from "./draw.ts";

const or = (words: readonly string[], none: string): string => (words.length === 0 ? none : words.join(" "));

export function imagePicture(doc: ImageExplanation): Picture {
  const { config } = doc;
  return {
    title: `IMAGE ${doc.names[0] ?? doc.id.slice(7, 19)}`,
    note: "a config and an ordered list of layers, each known by the digest of its bytes",
    parts: [
      {
        kind: "facts",
        rows: [
          ["id", doc.id],
          ["names", or(doc.names, "none")],
          ["for", doc.platform],
          ["created", doc.created || "not said"],
          ["runs", or([...config.entrypoint, ...config.command], "nothing by itself")],
          ["as user", config.user || "0"],
          ["in folder", config.workingDir || "/"],
          ["with", or(config.env, "no variables")],
          ["ports", or(config.ports, "none")],
          ["manifests", or(doc.manifests, "none kept: it was made here")],
          [
            "containers",
            or(
              doc.containers.map(({ name, running }) => `${name}${running ? "" : " (not running)"}`),
              "none",
            ),
          ],
          ["size", `${bytesSize(doc.size)} in ${doc.layers.length} layers, topmost first:`],
        ],
      },
      layerTable(doc.layers),
    ],
    byHand: doc.byHand,
    all: `gantry explain --all ${doc.names[0] ?? doc.id}`,
  };
}

export function networkPicture(doc: NetworkExplanation): Picture {
  const { bridge, firewall } = doc;
  const drivers: Record<string, string> = {
    host: "the host's own links: no namespace of its own",
    null: "a namespace with nothing but a loopback link",
  };
  const what = bridge
    ? `a switch inside the kernel, ${doc.internal ? "with no way out" : "with a way out by the host"}`
    : drivers[doc.driver];
  return {
    title: `NETWORK ${doc.name}`,
    note: doc.id.slice(0, 12),
    parts: [
      {
        kind: "facts",
        rows: [
          ["what", what ?? doc.driver],
          ...(bridge
            ? ([
                [
                  "bridge",
                  `${bridge.name}, link ${bridge.index}, ${bridge.up ? "up" : "down"}, MTU ${bridge.mtu}, MAC ${bridge.mac}`,
                ],
                ["address", `${bridge.addresses.join(" ")} on the host, in ${bridge.subnet}`],
              ] satisfies [string, Cell][])
            : []),
        ],
      },
      {
        kind: "table",
        head: ["CONTAINER", "ADDRESS", "MAC", "CABLE"],
        rows: doc.members.map(({ container, address, mac, cable, link }) => [
          container,
          address || "-",
          mac || "-",
          cable ? `${cable} ${link}` : "-",
        ]),
      },
      ...firewallParts(firewall),
    ],
    byHand: doc.byHand,
    all: `gantry explain --all ${doc.name}`,
  };
}
