import type http from "node:http";
import v8 from "node:v8";
import vm from "node:vm";
import type { Clock } from "../ports/clock.ts";
import { trimMemoryInBackground } from "../drivers/syscalls/background.ts";

/** Milliseconds without a request after which the engine counts as idle. */
const IDLE = 10_000;

/**
 * Gives memory back when requests have ceased: V8 sees no reason to collect while nothing happens, and would keep what a
 * pull or fifty starts needed. Once per pause; a collection takes about 10 ms.
 */
export function trimWhenIdle(servers: http.Server[], clock: Clock): void {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as () => void;
  let cancel = (): void => {};
  const arm = (): void => {
    cancel();
    cancel = clock.after(IDLE, () => {
      collect();
      void trimMemoryInBackground();
    });
  };
  for (const server of servers) server.on("request", arm);
  arm();
}
