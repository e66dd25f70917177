import { GantryError } from "../errors.ts";
import { parseBytes, parseDuration } from "../units.ts";
import { parseFacility, parseFluentdAddress, parseGelfAddress, parseSyslogAddress } from "./addresses.ts";
import { badLogOption, parseBool, parseInteger, parseUnsigned } from "./values.ts";

/** A log driver's options as `--log-opt` gives them. */
export type LogOptions = Record<string, string>;

export const DEFAULT_LOG_DRIVER = "json-file";

const DESCRIBING = ["labels", "labels-regex", "env", "env-regex", "tag"];
const CACHE = ["cache-disabled", "cache-max-size", "cache-max-file", "cache-compress"];
/** Known to every driver. */
const COMMON = new Set(["mode", "max-buffer-size", ...CACHE]);

interface DriverRules {
  options: string[];
  /** Throws BAD_LOG_OPT for a value that no start could work with. */
  check?: (options: LogOptions) => void;
  /** Docker names the driver after the words here. */
  unknown?: (option: string) => string;
}

const DRIVERS = new Map<string, DriverRules>([
  ["json-file", { options: ["max-size", "max-file", "compress", ...DESCRIBING] }],
  [
    "local",
    {
      options: ["max-size", "max-file", "compress"],
      unknown: (option) => `unknown log opt '${option}' for log driver local`,
    },
  ],
  [
    "syslog",
    {
      options: [
        ...DESCRIBING,
        ...["syslog-address", "syslog-facility", "syslog-format", "syslog-tls-ca-cert", "syslog-tls-cert"],
        ...["syslog-tls-key", "syslog-tls-skip-verify"],
      ],
      check: (options) => {
        parseSyslogAddress(options["syslog-address"] ?? "");
        parseFacility(options["syslog-facility"] ?? "");
        if (!["", "rfc3164", "rfc5424", "rfc5424micro"].includes(options["syslog-format"] ?? "")) {
          throw badLogOption("Invalid syslog format", "one of rfc3164, rfc5424 and rfc5424micro");
        }
        // Docker takes any value for a yes: not here, where it may have been meant as a no.
        parseBool(options["syslog-tls-skip-verify"] || "true");
      },
    },
  ],
  ["journald", { options: DESCRIBING }],
  [
    "fluentd",
    {
      options: [
        ...DESCRIBING,
        ...["fluentd-address", "fluentd-async", "fluentd-async-connect", "fluentd-async-reconnect-interval"],
        ...["fluentd-buffer-limit", "fluentd-max-retries", "fluentd-request-ack", "fluentd-retry-wait"],
        ...["fluentd-sub-second-precision", "fluentd-write-timeout", "fluentd-read-timeout"],
      ],
      check: checkFluentd,
    },
  ],
  [
    "gelf",
    {
      options: [
        ...DESCRIBING,
        ...["gelf-address", "gelf-compression-type", "gelf-compression-level"],
        ...["gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay"],
      ],
      check: checkGelf,
    },
  ],
]);

/** What `docker info` lists; `none` is no driver. */
export const LOG_DRIVERS: readonly string[] = [...DRIVERS.keys()].toSorted();

/** True for drivers that send the log to some other place; a file of their own serves `docker logs` and as the buffer. */
export const sendsLogs = (driver: string): boolean => !["json-file", "local", "none"].includes(driver);

/** What is wrong with a driver's options whatever the container: throws BAD_LOG_OPT in Docker's words. */
export function validateLogOptions(driver: string, options: LogOptions): void {
  if (driver === "none") return;
  const rules = DRIVERS.get(driver);
  if (!rules) {
    throw new GantryError(
      "notFound",
      "NO_LOG_DRIVER",
      `error looking up logging plugin ${driver}: plugin "${driver}" not found`,
      { hint: `log drivers: ${LOG_DRIVERS.join(", ")}, none` },
    );
  }
  checkMode(options);
  checkCache(options);
  for (const option of Object.keys(options)) {
    if (COMMON.has(option) || rules.options.includes(option)) continue;
    const message = rules.unknown?.(option) ?? `unknown log opt '${option}' for ${driver} log driver`;
    throw badLogOption(message, `known: ${rules.options.toSorted().join(", ")}`);
  }
  rules.check?.(options);
}

function checkMode(options: LogOptions): void {
  const mode = options["mode"] ?? "";
  if (!["", "blocking", "non-blocking"].includes(mode))
    throw badLogOption(`logger: logging mode not supported: ${mode}`);
  const size = options["max-buffer-size"];
  if (size === undefined) return;
  if (mode !== "non-blocking") {
    throw badLogOption("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  within("error parsing option max-buffer-size: ", () => parseBytes(size));
}

function checkCache(options: LogOptions): void {
  const { "cache-disabled": disabled, "cache-compress": compress } = options;
  for (const [name, value] of Object.entries({ "cache-disabled": disabled, "cache-compress": compress })) {
    if (value === undefined) continue;
    try {
      parseBool(value);
    } catch {
      throw badLogOption(`invalid value for option ${name}: ${value}`);
    }
  }
  const { "cache-max-size": size, "cache-max-file": files } = options;
  if (size !== undefined) within(`invalid value for option cache-max-size: ${size}: `, () => parseBytes(size));
  if (files !== undefined) within(`invalid value for option cache-max-file: ${files}: `, () => parseInteger(files));
}

function checkFluentd(options: LogOptions): void {
  const given = <T>(name: string, parse: (text: string) => T): T | undefined => {
    const text = options[name];
    return text === undefined ? undefined : parse(text);
  };
  given("fluentd-buffer-limit", parseBytes);
  given("fluentd-retry-wait", parseDuration);
  given("fluentd-max-retries", parseUnsigned);
  if (options["fluentd-async"] !== undefined && options["fluentd-async-connect"] !== undefined) {
    throw badLogOption("conflicting options: cannot specify both 'fluentd-async' and 'fluentd-async-connect'");
  }
  for (const name of ["async", "async-connect", "request-ack", "sub-second-precision"]) {
    given(`fluentd-${name}`, parseBool);
  }
  for (const name of ["fluentd-write-timeout", "fluentd-read-timeout"]) {
    const timeout = given(name, parseDuration);
    if (timeout !== undefined && timeout < 0) {
      throw badLogOption(`invalid value for ${name}: value must be a positive duration`);
    }
  }
  const interval = given("fluentd-async-reconnect-interval", parseDuration);
  if (interval !== undefined && interval !== 0 && (interval < 100e6 || interval > 10e9)) {
    throw badLogOption(
      `invalid value for fluentd-async-reconnect-interval: value (${JSON.stringify(options["fluentd-async-reconnect-interval"])}) must be between 100ms and 10s`,
    );
  }
  parseFluentdAddress(options["fluentd-address"] ?? "");
}

function checkGelf(options: LogOptions): void {
  const { protocol } = parseGelfAddress(options["gelf-address"] ?? "");
  const unknown = (name: string): GantryError =>
    badLogOption(`unknown value ${JSON.stringify(options[name])} for log opt "${name}" for gelf log driver`);
  const udpOnly = ["gelf-compression-type", "gelf-compression-level"];
  const tcpOnly = ["gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay"];
  if (protocol === "tcp" && udpOnly.some((name) => options[name] !== undefined)) {
    throw badLogOption("compression is only supported on UDP");
  }
  if (protocol === "udp" && tcpOnly.some((name) => options[name] !== undefined)) {
    throw badLogOption(`${tcpOnly.find((name) => options[name] !== undefined)} is only supported on TCP`);
  }
  const { "gelf-compression-type": type, "gelf-compression-level": level } = options;
  if (type !== undefined && !["gzip", "zlib", "none"].includes(type)) throw unknown("gelf-compression-type");
  if (level !== undefined && !/^(-1|\d)$/.test(level)) throw unknown("gelf-compression-level");
  for (const name of tcpOnly) if (options[name] !== undefined && !/^\d{1,9}$/.test(options[name])) throw unknown(name);
}

function within<T>(prefix: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw badLogOption(`${prefix}${(error as Error).message}`);
  }
}

/** A container's driver and options over the engine's own, as `docker inspect` shows them. Throws as validate does. */
export function mergeLogConfig(
  asked: { Type?: string | null; Config?: LogOptions | null } | null | undefined,
  defaults: { driver: string; options: LogOptions },
): { Type: string; Config: LogOptions } {
  const driver = asked?.Type || defaults.driver;
  const inherited = Object.entries(defaults.options).filter(
    ([name]) => driver === defaults.driver || (driver !== "none" && CACHE.includes(name)),
  );
  const options = { ...Object.fromEntries(inherited), ...asked?.Config };
  validateLogOptions(driver, options);
  return { Type: driver, Config: options };
}
