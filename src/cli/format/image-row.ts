import { humanDuration, humanSize, humanSizeWithPrecision } from "../../base/units.ts";
import type { ImageSummary } from "../../wire/types/images.ts";
import type { Row } from "./listing.ts";
import { goTime } from "./time.ts";
import { shortId } from "./words.ts";

export const imageHeadings: Record<string, string> = {
  ID: "IMAGE ID",
  Repository: "REPOSITORY",
  Tag: "TAG",
  Digest: "DIGEST",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  Size: "SIZE",
  Containers: "CONTAINERS",
  VirtualSize: "SIZE",
  SharedSize: "SHARED SIZE",
  UniqueSize: "UNIQUE SIZE",
};

const NONE = "<none>";
const known = (bytes: number): string => (bytes === -1 ? "N/A" : humanSize(bytes));

/** One row for each name of the image; with `digests` for each name and digest. */
export function imageRows(image: ImageSummary, options: { truncate: boolean; digests: boolean; now: number }): Row[] {
  const row = (Repository: string, Tag: string, Digest: string): Row => ({
    labels: image.Labels,
    fields: {
      Containers: image.Containers === -1 ? "N/A" : String(image.Containers),
      CreatedAt: goTime(image.Created * 1000),
      CreatedSince: image.Created <= 0 ? "N/A" : `${humanDuration(options.now - image.Created * 1000)} ago`,
      Digest,
      ID: options.truncate ? shortId(image.Id) : image.Id,
      Repository,
      SharedSize: known(image.SharedSize),
      Size: humanSizeWithPrecision(image.Size, 3),
      Tag,
      UniqueSize: image.Size === -1 || image.SharedSize === -1 ? "N/A" : humanSize(image.Size - image.SharedSize),
      VirtualSize: humanSize(image.Size),
    },
  });
  const tags = byRepository(image.RepoTags, /:(?=[^:/]*$)/);
  const digests = byRepository(image.RepoDigests, /@/);
  if (tags.size === 0 && digests.size === 0) return [row(NONE, NONE, NONE)];
  const rows: Row[] = [];
  for (const [repository, names] of tags) {
    const known = digests.get(repository);
    digests.delete(repository);
    for (const tag of names) {
      for (const digest of options.digests && known !== undefined ? known : [NONE])
        rows.push(row(repository, tag, digest));
    }
  }
  for (const [repository, known] of digests) {
    for (const digest of options.digests ? known : [NONE]) rows.push(row(repository, NONE, digest));
  }
  return rows;
}

function byRepository(names: string[] | null, separator: RegExp): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const name of names ?? []) {
    const [repository, rest] = name.split(separator) as [string, string?];
    if (repository === NONE || rest === undefined) continue;
    result.set(repository, [...(result.get(repository) ?? []), rest]);
  }
  return result;
}
