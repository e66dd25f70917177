// The worker's entry when tests run the TypeScript source.
import { register } from "tsx/esm/api";

register();
await import("../../src/drivers/tar/worker.ts");
