/** What is known of containers. */
export interface ContainerFacts {
  /** Ids of containers, running or not, that refer to a volume. */
  containersUsing(volumeName: string): string[];
  /** The container has no mounts on record yet, and will have. */
  beingCreated(containerId: string): boolean;
}

/** The containers that refer to volumes: those that have them on record, and those that were promised them while they are made. */
export class VolumeReferences {
  private readonly containers: ContainerFacts;
  private readonly promises = new Map<string, Set<string>>();

  constructor(containers: ContainerFacts) {
    this.containers = containers;
  }

  of(name: string): string[] {
    const promises = [...(this.promises.get(name) ?? [])].filter((id) => this.containers.beingCreated(id));
    if (promises.length === 0) this.promises.delete(name);
    return [...new Set([...this.containers.containersUsing(name), ...promises])];
  }

  /** It counts from now on: later it has the volume on record, or is gone. */
  promise(name: string, containerId: string): void {
    this.promises.set(name, (this.promises.get(name) ?? new Set()).add(containerId));
  }
}
