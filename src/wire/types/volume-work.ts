import type { Volume } from "./volumes.ts";

/** A container that refers to a volume. `Active`: it is up, or its files are being copied. */
export interface VolumeUser {
  Id: string;
  Name: string;
  Active: boolean;
}

/** A volume with what it takes and who uses it. */
export interface VolumeWithUsage extends Volume {
  Usage: {
    /** Bytes on disk; -1 where the data is mounted from elsewhere. */
    Size: number;
    /** RFC 3339; absent: never. A volume with an active user is in use now. */
    LastUsed?: string;
    UsedBy: VolumeUser[];
  };
}

export interface VolumeImportResponse {
  Name: string;
  /** There was none of that name. */
  Created: boolean;
  /** Of file contents. */
  Bytes: number;
  Entries: number;
}

export interface VolumeCloneResponse extends Volume {
  /** Containers that may have written to the source meanwhile. */
  Writers: VolumeUser[];
}
