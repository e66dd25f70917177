import { parseBytes, parseDecimalBytes } from "../units.ts";
import { type LogOptions, sendsLogs } from "./options.ts";
import { badLogOption, parseBool, parseInteger } from "./values.ts";

/** How much of a log stays on disk, and in which form. */
export interface LogKeeping {
  /** Bytes of one file. */
  maxSize: number;
  /** Files, with the one that is written. */
  maxFiles: number;
  /** Older ones as gzip. */
  compress: boolean;
  /** `docker logs` may read it. */
  readable: boolean;
}

const MAX_SIZE = 20 * 1024 * 1024;
const MAX_FILES = 5;

/** What a container's log options ask for. Throws BAD_LOG_OPT in the words that Docker has at a start. */
export function logKeeping(driver: string, options: LogOptions): LogKeeping {
  if (sendsLogs(driver)) return cacheKeeping(options);
  return driver === "local" ? localKeeping(options) : jsonFileKeeping(options);
}

function jsonFileKeeping(options: LogOptions): LogKeeping {
  const { "max-size": size, "max-file": files, compress: packed } = options;
  const maxSize = size === undefined ? MAX_SIZE : parseDecimalBytes(size);
  if (maxSize <= 0) throw badLogOption("max-size must be a positive number");
  const maxFiles = files === undefined ? (size === undefined ? MAX_FILES : 1) : parseInteger(files);
  if (maxFiles < 1) throw badLogOption("max-file cannot be less than 1");
  const compress = packed !== undefined && parseBool(packed);
  if (compress && (maxFiles === 1 || size === undefined)) {
    throw badLogOption("compress cannot be true when max-file is less than 2 or max-size is not set");
  }
  return { maxSize, maxFiles, compress, readable: true };
}

function localKeeping(options: LogOptions): LogKeeping {
  const { "max-size": size, "max-file": files, compress: packed } = options;
  const maxSize = size === undefined ? MAX_SIZE : named(`invalid value for max-size: ${size}`, () => parseBytes(size));
  const maxFiles =
    files === undefined ? MAX_FILES : named(`invalid value for max-file: ${files}`, () => parseInteger(files));
  const compress = packed === undefined ? true : named("error reading compress log option", () => parseBool(packed));
  if (compress && maxFiles <= 1) throw badLogOption("compression cannot be enabled when max file count is 1");
  if (maxSize <= 0) throw badLogOption("max size must be a positive number");
  if (maxFiles < 1) throw badLogOption("max file count cannot be less than 1");
  return { maxSize, maxFiles, compress, readable: true };
}

function cacheKeeping(options: LogOptions): LogKeeping {
  const { "cache-max-size": size, "cache-max-file": files } = options;
  const maxFiles = files === undefined ? MAX_FILES : Math.max(1, parseInteger(files));
  return {
    maxSize: size === undefined ? MAX_SIZE : Math.max(1, parseBytes(size)),
    maxFiles,
    compress: parseBool(options["cache-compress"] ?? "true") && maxFiles > 1,
    readable: !parseBool(options["cache-disabled"] ?? "false"),
  };
}

function named<T>(prefix: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw badLogOption(`${prefix}: ${(error as Error).message}`);
  }
}
