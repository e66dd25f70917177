import { isGantryError } from "../base/errors.ts";
import { parseReference } from "../base/reference.ts";
import type { PublishContainerEvent } from "../engine/containers/deps.ts";
import { type ContainerRecord, isUp, type MountPoint, shortId } from "../engine/containers/record.ts";
import type { ContainerRegistry } from "../engine/containers/registry.ts";
import { stampOf } from "../base/timestamps.ts";
import type { Clock } from "../ports/clock.ts";
import type { Events } from "../engine/events/events.ts";
import type { ImageSource, ImageUser } from "../engine/images/contract.ts";
import type { ContainerFacts } from "../engine/volumes/volume-references.ts";
import type { Attachment } from "../engine/networks/contract.ts";
import type { RegistryAuth } from "../ports/remote-registry.ts";
import type { NetworkRoutesDeps } from "../server/routes/networks.ts";

/** What images, volumes, networks and the API ask about containers. */
export function containerUse(
  registry: ContainerRegistry,
  current: (containerId: string) => Pick<Attachment, "networks" | "ports"> | undefined,
): {
  ofImage: (imageId: string) => ImageUser[];
  ofVolumes: ContainerFacts;
  imageName: (images: ImageSource) => (record: ContainerRecord) => string;
  networked: Omit<NetworkRoutesDeps, "networks" | "clock">;
  authFor: (auth: Record<string, RegistryAuth>, reference: string) => { auth?: RegistryAuth };
} {
  const records = (): ContainerRecord[] => registry.all().map((entry) => entry.record);
  return {
    ofImage: (imageId) =>
      records()
        .filter(({ imageId: own, mounts }) => own === imageId || mounts.some((row) => isOfImage(row, imageId)))
        .map((record) => ({ id: record.id, name: record.name, running: isUp(record) })),
    ofVolumes: {
      containersUsing: (name) =>
        records()
          .filter((record) => record.mounts.some((mount) => mount.Type === "volume" && mount.Name === name))
          .map((record) => record.id),
      beingCreated: (id) => registry.tryFind(id)?.record.state.intent === "create",
    },
    imageName: (images) => (record) => nameOfImage(images, record),
    networked: {
      resolveContainer: (reference) => {
        const { record } = registry.find(reference);
        return { id: record.id, name: record.name, running: isUp(record) };
      },
      saveEndpoint: (containerId, name, endpoint) => {
        const entry = registry.find(containerId);
        const { record } = entry;
        if (endpoint) record.networking[name] = endpoint.asked;
        else delete record.networking[name];
        if (record.attachment) Object.assign(record.attachment, current(containerId));
        registry.save(entry);
      },
      savedEndpoints: (containerId) => Object.keys(registry.find(containerId).record.networking),
      whileSettled: (containerId, work) => registry.find(containerId).lock.run(work),
    },
    authFor: (auth, reference) => {
      const { registry: host } = parseReference(reference);
      const found = auth[host] ?? (host === "docker.io" ? auth["https://index.docker.io/v1/"] : undefined);
      return found ? { auth: found } : {};
    },
  };
}

const isOfImage = (row: MountPoint, imageId: string): boolean => row.Type === "image" && row.Source === imageId;

/** The name it was made from while that still means this image; else the short id. */
function nameOfImage(images: ImageSource, record: ContainerRecord): string {
  const asked = record.config.Image ?? "";
  try {
    return images.resolve(asked).id === record.imageId ? asked : shortId(record.imageId);
  } catch (error) {
    if (isGantryError(error, "NO_SUCH_IMAGE")) return shortId(record.imageId);
    throw error;
  }
}

/** Container events carry the labels, the image and the name, as Docker's do. */
export function publisherFor(events: Events): PublishContainerEvent {
  return (entry, action, attributes = {}) => {
    const { config, name } = entry.record;
    events.publish("container", action, entry.id, { ...config.Labels, image: config.Image ?? "", name, ...attributes });
  };
}

/** What happened to a container so far. */
export async function pastOf(
  events: Events,
  container: string,
  clock: Clock,
): Promise<{ time: string; action: string }[]> {
  const filters = new Map([["container", [container]]]);
  const until = BigInt(clock.now()) * 1_000_000n + 999_999n; // to the end of this millisecond
  const past: { time: string; action: string }[] = [];
  for await (const { timeNano, Action } of events.query({ since: 0n, until, filters }, new AbortController().signal)) {
    past.push({ time: stampOf(Number(timeNano / 1_000_000n)), action: Action });
  }
  return past;
}
