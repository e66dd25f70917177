import { parseDuration } from "../units.ts";
import type { LogOptions } from "./options.ts";
import { parseBool } from "./values.ts";

/** How a log's sender goes about a receiver that is not there. */
export interface Delivery {
  /** A start does not wait for the connection. */
  async: boolean;
  /** Milliseconds before the second try; the waits grow from there. */
  firstWait: number;
  /** Tries after the first; then the messages are given up. */
  retries: number;
}

/** What a driver's options ask for; they have been validated. */
export function deliveryOf(driver: string, options: LogOptions): Delivery {
  const usual = { async: false, firstWait: 100, retries: Number.POSITIVE_INFINITY };
  if (driver !== "fluentd") return usual;
  const { "fluentd-retry-wait": wait, "fluentd-max-retries": retries } = options;
  return {
    async: parseBool(options["fluentd-async"] ?? options["fluentd-async-connect"] ?? "false"),
    firstWait: wait === undefined ? usual.firstWait : Math.max(1, parseDuration(wait) / 1e6),
    retries: retries === undefined ? usual.retries : Number(retries),
  };
}
