import { humanSizeWithPrecision } from "../../base/units.ts";
import type { ImageSummary } from "../../wire/types/images.ts";
import { shortId } from "./words.ts";

interface TreeRow {
  name: string;
  id: string;
  disk: number;
  content: number;
  used: boolean;
}

const platformName = (of: { os: string; architecture: string; variant?: string } | undefined): string =>
  of === undefined ? "<unknown>" : [of.os, of.architecture, of.variant].filter(Boolean).join("/");

/** Names with what they stand for below them: one line a platform, where the engine tells of them. */
export function imageTree(images: readonly ImageSummary[], columns: number): string {
  const blocks = images.map((image) => {
    const platforms = (image.Manifests ?? []).filter((manifest) => manifest.Kind === "image" && manifest.Available);
    const children = platforms.map(
      ({ ID, ImageData: data, Size }): TreeRow => ({
        name: platformName(data?.Platform),
        id: ID,
        disk: Size.Total,
        content: Size.Content,
        used: (data?.Containers?.length ?? 0) > 0,
      }),
    );
    const top = {
      id: image.Id,
      disk: image.Size,
      content: children.reduce((sum, child) => sum + child.content, 0),
      used: image.Containers > 0 || children.some((child) => child.used),
    };
    const names = image.RepoTags?.length ? image.RepoTags : ["<untagged>"];
    return { names, top, children };
  });
  const widest = Math.max(
    0,
    ...blocks.flatMap(({ names, children }) => [
      ...names.map((name) => name.length),
      ...children.map((child) => child.name.length + 3),
    ]),
  );
  // At least what the sizes leave, at most what the terminal has.
  const width = Math.max(5, Math.min(widest, Math.max(24, columns - 52)));
  const cut = (text: string): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text);
  const line = (name: string, row: Omit<TreeRow, "name">): string =>
    [
      cut(name).padEnd(width),
      shortId(row.id).padEnd(12),
      humanSizeWithPrecision(row.disk, 3).padStart(10),
      (row.content > 0 ? humanSizeWithPrecision(row.content, 3) : "0B").padStart(12),
      row.used ? " U " : "",
    ]
      .join("   ")
      .trimEnd();
  const lines = [["IMAGE".padEnd(width), "ID".padEnd(12), "DISK USAGE", "CONTENT SIZE", "EXTRA"].join("   ")];
  for (const { names, top, children } of blocks) {
    lines.push(...names.slice(0, -1).map(cut), line(names.at(-1)!, top));
    for (const [at, child] of children.entries()) {
      lines.push(line(`${at === children.length - 1 ? "└─" : "├─"} ${child.name}`, child));
    }
  }
  return `${lines.join("\n")}\n`;
}
