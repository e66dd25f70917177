import { humanDuration, humanSizeWithPrecision } from "../../base/units.ts";
import type { ContainerSummary, PortSummary } from "../../wire/types/containers.ts";
import type { Row } from "./listing.ts";
import { goTime } from "./time.ts";
import { ellipsis, goQuote, labelsText, shortId } from "./words.ts";

export const containerHeadings: Record<string, string> = {
  ID: "CONTAINER ID",
  Image: "IMAGE",
  Command: "COMMAND",
  CreatedAt: "CREATED AT",
  RunningFor: "CREATED",
  Status: "STATUS",
  State: "STATE",
  Ports: "PORTS",
  Names: "NAMES",
  Size: "SIZE",
  Labels: "LABELS",
  Mounts: "MOUNTS",
  LocalVolumes: "LOCAL VOLUMES",
  Networks: "NETWORKS",
  Platform: "PLATFORM",
};

export const containerColumns = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"];

export function containerRow(container: ContainerSummary, truncate: boolean, now: number): Row {
  const names = container.Names.map((name) => name.replace(/^\//, ""));
  const cut = (text: string, most: number): string => (truncate ? ellipsis(text, most) : text);
  const mounts = container.Mounts ?? [];
  return {
    labels: container.Labels,
    fields: {
      Command: goQuote(cut(container.Command, 20)),
      CreatedAt: goTime(container.Created * 1000),
      ID: truncate ? shortId(container.Id) : container.Id,
      Image: imageOf(container, truncate),
      Labels: labelsText(container.Labels),
      LocalVolumes: String(mounts.filter((mount) => mount.Driver === "local").length),
      Mounts: mounts.map((mount) => cut(mount.Name || mount.Source, 15)).join(","),
      Names: (truncate ? names.filter((name) => !name.includes("/")) : names).join(","),
      Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(","),
      Platform: null,
      Ports: portsText(container.Ports),
      RunningFor: `${humanDuration(now - container.Created * 1000)} ago`,
      Size: sizeText(container),
      State: container.State,
      Status: container.Status,
    },
  };
}

function imageOf({ Image, ImageID }: ContainerSummary, truncate: boolean): string {
  if (Image === "") return "<no image>";
  if (!truncate) return Image;
  if (shortId(ImageID) === shortId(Image)) return shortId(ImageID);
  return Image.replace(/@[a-z0-9]+:[0-9a-f]+$/, "").replace(/^docker\.io\/(library\/)?/, "");
}

function sizeText({ SizeRw = 0, SizeRootFs = 0 }: ContainerSummary): string {
  const own = humanSizeWithPrecision(SizeRw, 3);
  return SizeRootFs > 0 ? `${own} (virtual ${humanSizeWithPrecision(SizeRootFs, 3)})` : own;
}

const join = (ip: string, port: string | number): string => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`);

/**
 * "0.0.0.0:80-82->80-82/tcp, 443/tcp, 0.0.0.0:8080->90/tcp": neighbours that are published under their own number, or
 * not at all, are drawn together; the mapped ones come last.
 */
export function portsText(ports: PortSummary[] | null): string {
  const order = (a: PortSummary, b: PortSummary): number =>
    a.PrivatePort - b.PrivatePort ||
    compare(a.IP ?? "", b.IP ?? "") ||
    (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
    compare(a.Type, b.Type);
  const runs = new Map<string, { ip: string; type: string; first: number; last: number }>();
  const result: string[] = [];
  const mapped: string[] = [];
  const show = (run: { ip: string; type: string; first: number; last: number }): string => {
    const span = run.first === run.last ? `${run.first}` : `${run.first}-${run.last}`;
    return `${run.ip === "" ? "" : `${join(run.ip, span)}->`}${span}/${run.type}`;
  };
  for (const { IP: ip = "", PrivatePort: port, PublicPort: published, Type: type } of (ports ?? []).toSorted(order)) {
    if (ip !== "" && published !== port) {
      mapped.push(`${join(ip, published ?? 0)}->${port}/${type}`);
      continue;
    }
    const key = `${ip}/${type}`;
    const run = runs.get(key);
    if (run !== undefined && run.last + 1 === port) run.last = port;
    else {
      if (run !== undefined) result.push(show(run));
      runs.set(key, { ip, type, first: port, last: port });
    }
  }
  return [...result, ...[...runs.values()].map(show), ...mapped].join(", ");
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
