import type { TestEngine } from "../../support/engine.ts";
import type { ContainerCreateRequest } from "../../../src/wire/types/containers.ts";

/** What a create request adds to one for a busybox that runs the proof's script. */
export type Asked = Partial<ContainerCreateRequest>;

/** What a proof can use of the machine. */
export interface World {
  engine: TestEngine;
  /** A folder of the host with a file `in` that holds "inside". */
  folder: string;
  /** Id of a running container with an IPC namespace to share and a volume at /kept with a file `in`. */
  donor: string;
}

/** Asks, runs `script` in the container, and expects its output to be, or to match, `is`. */
export interface Seen {
  asked: Asked | ((world: World) => Asked);
  script: string;
  is: string | RegExp;
}

/** Asks, starts, and looks from the host; the container runs until the look is over. */
export interface Looked {
  asked: Asked | ((world: World) => Asked);
  look: (id: string, world: World) => Promise<void>;
}

/** Refused, at the create or at the start. */
export interface Refused {
  asked: Asked;
  refusal: RegExp;
}

/** Kept and given back, without an effect on Linux or on one engine alone: why. */
export interface Stored {
  stored: string;
}

/** Another test proves it: its file, and what it says. */
export interface Elsewhere {
  file: string;
  says: string;
}

export type Proof = Seen | Looked | Refused | Stored | Elsewhere;

/** Proofs by the names of the Swagger file's properties. */
export type Proofs = Record<string, Proof>;

export const elsewhere = (file: string, says: string): Elsewhere => ({ file: `test/${file}`, says });
export const stored = (reason: string): Stored => ({ stored: reason });

/** What inspect says, by a Go template. */
export const inspect = ({ engine }: World, id: string, format: string): Promise<string> =>
  engine.ok("inspect", "-f", format, id);

const WINDOWS = "for Windows";
export const windows = stored(WINDOWS);
