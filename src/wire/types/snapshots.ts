/** What a container had in its own files and its volumes at some moment. */
export interface Snapshot {
  Container: string;
  ContainerName: string;
  Name: string;
  Created: string;
  /** Bytes on disk. */
  Size: number;
  /** Of the container's own files; absent: it had never run. */
  LayerSize?: number;
  Volumes: { Destination: string; Size: number }[];
}

export interface SnapshotSaveResponse extends Snapshot {
  /** How long it took. */
  Milliseconds: number;
}

export interface SnapshotRestoreResponse {
  /** Copying: the containers run on; Swapping: they are killed, and the copies take their place; Starting. */
  Milliseconds: { Copying: number; Swapping: number; Starting: number };
  /** Names of the containers that were killed and started. */
  Restarted: string[];
}
