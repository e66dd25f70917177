/** The parts of the Container Device Interface's specification files that Gantry reads, in the files' own names. */
export interface CdiSpec {
  cdiVersion: string;
  /** "vendor.com/class" */
  kind: string;
  devices: { name: string; containerEdits?: CdiEdits }[];
  containerEdits?: CdiEdits;
}

export interface CdiEdits {
  env?: string[];
  deviceNodes?: CdiDeviceNode[];
  mounts?: { hostPath: string; containerPath: string; options?: string[]; type?: string }[];
  hooks?: { hookName: string; path: string; args?: string[]; env?: string[]; timeout?: number }[];
  additionalGids?: number[];
}

export interface CdiDeviceNode {
  path: string;
  /** Where it is on the host, if not at `path`. */
  hostPath?: string;
  type?: string;
  major?: number;
  minor?: number;
  fileMode?: number;
  /** "rwm" by default. */
  permissions?: string;
  uid?: number;
  gid?: number;
}

/** Specification files of devices that a vendor's tool or the admin wrote on this host. */
export interface CdiSpecs {
  /** The folders that are looked into; a later one goes over an earlier one. */
  readonly folders: readonly string[];
  /** What they hold now, folder by folder. Files that cannot be read or are malformed are told in `errors`, by path. */
  read(): { folders: { path: string; spec: CdiSpec }[][]; errors: { path: string; message: string }[] };
}
