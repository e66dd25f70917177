import type { ImageRecord } from "./contract.ts";
import type { ImagesDeps } from "./deps.ts";

/** What happens to images, as Docker's events name it. */
export type ImageAction = "create" | "delete" | "import" | "load" | "pull" | "push" | "save" | "tag" | "untag";

/** Publishes an event of an image: with its labels and the name that it concerns, else the id. */
export function tell(
  deps: Pick<ImagesDeps, "events">,
  action: ImageAction,
  record: ImageRecord,
  { actor = record.id, name = record.id }: { actor?: string; name?: string } = {},
): void {
  deps.events?.publish("image", action, actor, { ...record.config.config?.Labels, name });
}
