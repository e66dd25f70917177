import { bytesSize } from "../../base/units.ts";
import type { ImageExplanation, NetworkExplanation } from "../../wire/types/explain.ts";
import type { Cell, Picture } from "./draw.ts";
import { layerTable } from "./files.ts";
import { firewallPicture, isNft } from "./network.ts";

const or = (words: readonly string[], none: string): string => (words.length === 0 ? none : words.join(" "));

export function imagePictures(doc: ImageExplanation): Picture[] {
  const { config } = doc;
  const all = `gantry explain --all ${doc.names[0] ?? doc.id}`;
  const isLayers = ({ command }: { command: string }): boolean => /^(ls|gantry history) /.test(command);
  return [
    {
      title: `IMAGE ${doc.names[0] ?? doc.id.slice(7, 19)}`,
      note: "a config and layers in order, each named by its digest",
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
            ["size", `${bytesSize(doc.size)} in ${doc.layers.length} ${doc.layers.length === 1 ? "layer" : "layers"}`],
          ],
        },
      ],
      byHand: doc.byHand.filter((row) => !isLayers(row)),
      all,
    },
    {
      title: "LAYERS",
      note: "topmost first",
      parts: [layerTable(doc.layers)],
      byHand: doc.byHand.filter(isLayers),
      all,
    },
  ];
}

function parentRows({ parent, mode, subnets }: NetworkExplanation): [string, Cell][] {
  if (mode === undefined) return [];
  const state = parent && `link ${parent.index}, ${parent.up ? "up" : "down"}, MTU ${parent.mtu}, MAC ${parent.mac}`;
  return [
    [
      "parent",
      parent
        ? `${parent.name}${parent.made ? " (made for it)" : ""}, ${state}`
        : { text: "missing: the host has no such link now", tone: "warn" },
    ],
    ["mode", mode],
    ["subnets", subnets?.join(" ") || "none"],
  ];
}

export function networkPictures(doc: NetworkExplanation): Picture[] {
  const { bridge, firewall } = doc;
  const drivers: Record<string, string> = {
    host: "the host's own links: no namespace of its own",
    null: "a namespace with nothing but a loopback link",
    macvlan: "links of the containers' own on a link of the host's, each with a MAC of its own",
    ipvlan: "links of the containers' own on a link of the host's, under its MAC",
  };
  const what = bridge
    ? `a switch inside the kernel, ${doc.internal ? "with no way out" : "with a way out by the host"}`
    : drivers[doc.driver];
  const all = `gantry explain --all ${doc.name}`;
  const picture: Picture = {
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
          ...parentRows(doc),
        ],
      },
      {
        kind: "table",
        head: ["CONTAINER", "ADDRESS", "MAC", "CABLE"],
        rows: doc.members.map(({ container, addresses, mac, cable, link }) => [
          container,
          addresses.join(" ") || "-",
          mac || "-",
          cable ? `${cable} ${link}` : "-",
        ]),
      },
    ],
    byHand: doc.byHand.filter((row) => !isNft(row)),
    all,
  };
  return firewall ? [picture, firewallPicture(firewall, doc.byHand, all)] : [picture];
}
