import { bytesSize } from "../../base/units.ts";
import type { ContainerExplanation, ExplainedLayer } from "../../wire/types/explain.ts";
import type { Cell, Part, Picture } from "./draw.ts";
import { facts, list, yes } from "./words.ts";

export const layerTable = (layers: readonly ExplainedLayer[]): Part => ({
  kind: "table",
  head: ["LAYER", "SIZE", "ADDS", "MADE BY"],
  rows: layers
    .map((layer): Cell[] => [
      { text: layer.diffId.slice(7, 19), tone: layer.mounted === false ? "bad" : "plain" },
      bytesSize(layer.size),
      list(layer.adds),
      `${layer.createdBy || "nothing on record"}${layer.sharedWith.length > 0 ? ` (shared with ${layer.sharedWith.join(", ")})` : ""}`,
    ])
    .toReversed(),
});

export function files(section: NonNullable<ContainerExplanation["files"]>, all: string): Picture[] {
  const { writable, mounts } = section;
  const cutAt = section.byHand.findIndex(({ command }) => /^(find|gantry diff) /.test(command));
  const layers: Picture = {
    title: "LAYERS",
    note: `of image ${section.image.name}, topmost first; below a writable one of its own`,
    parts: [
      facts([
        [
          "writable",
          writable ? `${bytesSize(writable.size)}, ${writable.changes} changes: ${list(writable.first)}` : "none yet",
        ],
        ["its folder", writable?.folder],
      ]),
      layerTable(section.layers),
    ],
    byHand: section.byHand.slice(cutAt),
    all,
  };
  if (mounts === undefined) {
    const asked: Part = {
      kind: "table",
      head: ["MOUNT AT ITS START", "TYPE", "WRITABLE", "FROM"],
      rows: section.asked.map((row) => [row.destination, row.type, yes(row.writable), row.from]),
    };
    return [{ ...layers, parts: [...layers.parts, asked] }];
  }
  const rank = ["image", "volume", "bind", "tmpfs", "engine", "other", "device", "kernel", "read-only", "masked"];
  return [
    layers,
    {
      title: "MOUNTS",
      note: `${mounts.length} in its mount namespace`,
      parts: [
        {
          kind: "table",
          head: ["TARGET", "TYPE", "", "FROM"],
          rows: mounts
            .toSorted((a, b) => rank.indexOf(a.origin) - rank.indexOf(b.origin))
            .map((row) => [
              row.target,
              row.type,
              row.options.split(",")[0] ?? "",
              { text: row.from, tone: row.origin === "masked" ? "dim" : "plain" },
            ]),
        },
      ],
      byHand: section.byHand.slice(0, cutAt),
      all,
    },
  ];
}
