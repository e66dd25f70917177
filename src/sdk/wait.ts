import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { GantryError } from "../base/errors.ts";

export interface WaitOptions {
  /** Milliseconds; default 60,000. */
  timeout?: number;
  signal?: AbortSignal;
}

const TIMEOUT = 60_000;
const PAUSE = 50;
/** A proxy in front of a port takes connections for a server that is not there yet, and drops them again. */
const PROXY_DROPS_WITHIN = 100;

/** Runs `work` under a signal that aborts after the time-out or with the caller's. Throws GantryError deadline WAIT_TIMEOUT. */
export async function within<T>(
  what: string,
  options: WaitOptions,
  work: (signal: AbortSignal) => Promise<T>,
  hint: () => Promise<string | undefined> = () => Promise.resolve(undefined),
): Promise<T> {
  const { timeout = TIMEOUT, signal } = options;
  const late = AbortSignal.timeout(timeout);
  const both = signal ? AbortSignal.any([signal, late]) : late;
  try {
    return await work(both);
  } catch (error) {
    if (!late.aborted || signal?.aborted === true) throw error;
    const known = await hint().catch(() => undefined);
    throw new GantryError("deadline", "WAIT_TIMEOUT", `waited ${timeout} ms for ${what}`, {
      cause: error,
      ...(known === undefined ? {} : { hint: known }),
    });
  }
}

/** Tries until `attempt` says true. */
export async function retry(signal: AbortSignal, attempt: () => Promise<boolean>): Promise<void> {
  while (!(await attempt())) await sleep(PAUSE, undefined, { signal });
}

/** True if somebody listens at the address. */
export function accepts(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, signal });
    const settle = (answer: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    let timer: NodeJS.Timeout | undefined;
    socket.once("connect", () => {
      timer = setTimeout(() => settle(true), PROXY_DROPS_WITHIN);
    });
    socket.once("data", () => settle(true));
    socket.on("error", () => settle(false));
    socket.once("end", () => settle(false));
    socket.once("close", () => settle(false));
  });
}
