import { TarArchive } from "../../src/drivers/tar/tar-archive.ts";

/** A TarArchive whose workers run the TypeScript source, as the test process itself does. Close it at the end. */
export const testArchive = (): TarArchive => new TarArchive({ workerUrl: new URL("tar-worker.mjs", import.meta.url) });
