import fs from "node:fs";
import { parseArgs } from "node:util";
import { GantryError, errnoOf, messageOf } from "../base/errors.ts";
import { DEFAULT_LOG_DRIVER, type LogOptions, validateLogOptions } from "../base/logging/options.ts";
import { isIpAddress } from "../base/ip-address.ts";
import { LOG_LEVELS, type LogLevel } from "../drivers/host/text-logger.ts";

export interface DaemonOptions {
  dataRoot: string;
  execRoot: string;
  hosts: string[];
  bridge: string;
  bip?: string;
  bip6?: string;
  /** Where addresses on the default bridge are picked from. */
  fixedCidr?: string;
  fixedCidr6?: string;
  /** The default bridge has IPv6. */
  ipv6: boolean;
  addressPools?: { base: string; size: number }[];
  pidfile: string;
  logLevel: LogLevel;
  /** For containers that name no log driver of their own. */
  logs: { driver: string; options: LogOptions };
  insecureRegistries: string[];
  /** `key=value` about this machine, shown by `info`. */
  labels: string[];
  /** Tells clients so: docker then offers its experimental commands. */
  experimental: boolean;
  /** Folders with CDI's specification files. */
  cdiSpecDirs: string[];
  /** Folders with sockets and specifications of plugins. */
  pluginDirs: string[];
  /** What `host-gateway` stands for. */
  hostGateway?: string;
  /** Containers that say nothing of it get an init. */
  init: boolean;
  /** Containers on the default bridge reach one another. */
  icc: boolean;
  initPath?: string;
  /** Whom published ports let in: everybody, or whom the host's own rules let in. */
  publishedPorts: "open" | "host-rules";
  usernsRemap?: string;
  /** So many RUN steps of builds go on at a time. */
  buildParallelism?: number;
  tls?: { ca: string; cert: string; key: string };
}

export const DEFAULT_HOST = "unix:///run/gantry.sock";
const DEFAULT_CONFIG = "/etc/gantry/daemon.json";
const DEFAULT_CDI_DIRS = ["/etc/cdi", "/var/run/cdi"];
const DEFAULT_PLUGIN_DIRS = ["/run/docker/plugins", "/etc/docker/plugins", "/usr/lib/docker/plugins"];

/** What daemon.json may hold; lists have the plural of the flag's name, as in Docker's. */
const FILE_KEYS = [
  "bip",
  "bip6",
  "bridge",
  "build-parallelism",
  "cdi-spec-dirs",
  "data-root",
  "default-address-pools",
  "exec-root",
  "experimental",
  "fixed-cidr",
  "fixed-cidr-v6",
  "host-gateway-ip",
  "hosts",
  "icc",
  "init",
  "init-path",
  "insecure-registries",
  "ipv6",
  "labels",
  "log-driver",
  "log-level",
  "log-opts",
  "pidfile",
  "plugin-dirs",
  "published-ports",
  "tlscacert",
  "tlscert",
  "tlskey",
  "userns-remap",
];

export const USAGE = `Usage: gantryd [OPTIONS]

The Gantry engine. It speaks the Docker Engine API.

Options:
      --bip string                       IPv4 address and prefix of the default bridge (172.30.0.1/16)
      --bip6 string                      IPv6 address and prefix of the default bridge (fd00:30::1/64)
      --bridge string                    Name of the default bridge (default "gantry0")
      --build-parallelism int            RUN steps of builds at a time (default: one for each CPU, 4 at least)
      --cdi-spec-dir list                Folder with specifications of CDI devices (repeatable, default /etc/cdi
                                         and /var/run/cdi)
      --config-file string               Configuration file (default "${DEFAULT_CONFIG}")
      --data-root string                 Root folder of persistent state (default "/var/lib/gantry")
      --default-address-pool pool        Pool for networks' addresses, base=10.10.0.0/16,size=24 (repeatable)
      --exec-root string                 Root folder of execution state (default "/run/gantry")
      --experimental                     Tell clients that the engine is experimental: docker then offers checkpoints
      --fixed-cidr string                IPv4 range for containers on the default bridge
      --fixed-cidr-v6 string             IPv6 range for containers on the default bridge
      --help                             Print usage
  -H, --host list                        Socket to listen on: unix://PATH or tcp://ADDRESS:PORT (repeatable,
                                         default "${DEFAULT_HOST}")
      --host-gateway-ip ip               What host-gateway stands for in --add-host (default: the default bridge's
                                         address)
      --icc                              Let containers on the default bridge reach one another (default true)
      --init                             Run an init in containers, unless they say otherwise
      --init-path string                 Path of the init (default: docker-init or tini of the PATH)
      --insecure-registry list           Registry that may speak plain HTTP (repeatable)
      --ipv6                             Give containers on the default bridge IPv6 addresses too
      --label key=value                  Label of the engine, shown by info (repeatable)
      --log-driver string                Log driver of containers that name none (default "json-file")
  -l, --log-level string                 debug, info, warn, error or fatal (default "info")
      --log-opt list                     Option of that log driver, NAME=VALUE (repeatable)
  -p, --pidfile string                   File for the engine's pid (default "EXEC-ROOT/gantryd.pid")
      --plugin-dir list                  Folder with volume plugins' NAME.sock, NAME.spec or NAME.json (repeatable,
                                         default /run/docker/plugins, /etc/docker/plugins and
                                         /usr/lib/docker/plugins)
      --published-ports string           Whom published ports let in: everybody (open), or whom the host's own rules
                                         for incoming packets let in (host-rules) (default "open")
      --tlscacert, --tlscert, --tlskey   PEM files for tcp hosts; clients must show a certificate of this CA
      --userns-remap string              Whose subordinate ids containers' users are on the host: default, USER,
                                         USER:GROUP, UID or UID:GID
  -v, --version                          Print version information and quit
`;

const bad = (message: string, hint?: string): GantryError =>
  new GantryError("invalid", "BAD_OPTION", message, hint === undefined ? {} : { hint });

/** Command line over configuration file over defaults; one setting in both places is refused, as dockerd does. */
export function readDaemonOptions(argv: string[]): DaemonOptions | "help" | "version" {
  const flags = parseFlags(argv);
  if (flags["help"]) return "help";
  if (flags["version"]) return "version";
  const file = readConfigFile(flags["config-file"] as string | undefined);
  const text = (flag: string): string | undefined => {
    const given = flags[flag] as string | undefined;
    const stored = file[flag];
    if (given !== undefined && stored !== undefined) throw bothPlaces(flag);
    if (stored !== undefined && typeof stored !== "string") throw bad(`configuration file: "${flag}" must be a string`);
    return given ?? stored;
  };
  const list = (flag: string, key: string): string[] => {
    const given = flags[flag] as string[] | undefined;
    const stored = file[key];
    if (given !== undefined && stored !== undefined) throw bothPlaces(key);
    if (stored !== undefined && !(Array.isArray(stored) && stored.every((item) => typeof item === "string"))) {
      throw bad(`configuration file: "${key}" must be a list of strings`);
    }
    return given ?? (stored as string[] | undefined) ?? [];
  };
  const isOn = (flag: string, usually = false): boolean => {
    const given = booleanOf(flag, flags[flag]);
    const stored = file[flag];
    if (given !== undefined && stored !== undefined) throw bothPlaces(flag);
    if (stored !== undefined && typeof stored !== "boolean") {
      throw bad(`configuration file: "${flag}" must be true or false`);
    }
    return given ?? stored ?? usually;
  };
  const execRoot = text("exec-root") ?? "/run/gantry";
  const hosts = list("host", "hosts");
  const [bip, bip6, fixedCidr, fixedCidr6] = [text("bip"), text("bip6"), text("fixed-cidr"), text("fixed-cidr-v6")];
  const [hostGateway, initPath] = [text("host-gateway-ip"), text("init-path")];
  if (hostGateway !== undefined && !isIpAddress(hostGateway)) throw bad(`invalid --host-gateway-ip "${hostGateway}"`);
  const cdiSpecDirs = list("cdi-spec-dir", "cdi-spec-dirs");
  const pluginDirs = list("plugin-dir", "plugin-dirs");
  const addressPools = poolsOf(flags["default-address-pool"] as string[] | undefined, file["default-address-pools"]);
  const [ca, cert, key] = [text("tlscacert"), text("tlscert"), text("tlskey")];
  const usernsRemap = text("userns-remap");
  const buildParallelism = parallelismOf(flags["build-parallelism"] as string | undefined, file["build-parallelism"]);
  const options: DaemonOptions = {
    dataRoot: text("data-root") ?? "/var/lib/gantry",
    execRoot,
    hosts: hosts.length > 0 ? hosts : [DEFAULT_HOST],
    bridge: text("bridge") ?? "gantry0",
    ...(bip === undefined ? {} : { bip }),
    ...(bip6 === undefined ? {} : { bip6 }),
    ...(fixedCidr === undefined ? {} : { fixedCidr }),
    ...(fixedCidr6 === undefined ? {} : { fixedCidr6 }),
    ipv6: isOn("ipv6"),
    ...(addressPools === undefined ? {} : { addressPools }),
    pidfile: text("pidfile") ?? `${execRoot}/gantryd.pid`,
    logLevel: levelOf(text("log-level") ?? "info"),
    logs: logsOf(text("log-driver") ?? DEFAULT_LOG_DRIVER, flags["log-opt"] as string[] | undefined, file["log-opts"]),
    insecureRegistries: list("insecure-registry", "insecure-registries"),
    labels: list("label", "labels"),
    experimental: isOn("experimental"),
    cdiSpecDirs: cdiSpecDirs.length > 0 ? cdiSpecDirs : DEFAULT_CDI_DIRS,
    pluginDirs: pluginDirs.length > 0 ? pluginDirs : DEFAULT_PLUGIN_DIRS,
    publishedPorts: publishedPortsOf(text("published-ports") ?? "open"),
    ...(hostGateway === undefined ? {} : { hostGateway }),
    init: isOn("init"),
    icc: isOn("icc", true),
    ...(initPath === undefined ? {} : { initPath }),
    ...(usernsRemap ? { usernsRemap } : {}),
    ...(buildParallelism === undefined ? {} : { buildParallelism }),
    ...(ca && cert && key ? { tls: { ca, cert, key } } : {}),
  };
  if (options.bridge.length > 15 || !/^[a-zA-Z0-9][\w.-]*$/.test(options.bridge)) {
    throw bad(`invalid bridge name "${options.bridge}": at most 15 of a-z, 0-9, '.', '_' and '-'`);
  }
  for (const label of options.labels) {
    if (!label.includes("=")) throw bad(`bad attribute format: ${label}`, "a label is key=value");
  }
  for (const host of options.hosts) {
    if (host.startsWith("unix://")) continue;
    if (!host.startsWith("tcp://")) throw bad(`invalid host "${host}": unix://PATH or tcp://ADDRESS:PORT is expected`);
    if (!options.tls) {
      throw bad(
        `refusing to listen on ${host} without TLS: whoever reaches that port would be root here`,
        "give --tlscacert, --tlscert and --tlskey; clients then need a certificate of that CA",
      );
    }
  }
  return options;
}

/** As it is, or as text. */
function booleanOf(flag: string, given: unknown): boolean | undefined {
  if (typeof given !== "string") return given as boolean | undefined;
  if (/^(1|t|true)$/i.test(given)) return true;
  if (/^(0|f|false)$/i.test(given)) return false;
  throw bad(`invalid --${flag} "${given}": true or false is expected`);
}

function parseFlags(argv: string[]): Record<string, string | boolean | string[] | undefined> {
  const text = { type: "string" } as const;
  const texts = { type: "string", multiple: true } as const;
  try {
    return parseArgs({
      // of Go's flags this one is on by default: --icc=false
      args: argv.map((word) => (word === "--icc" ? "--icc=true" : word)),
      options: {
        "data-root": text,
        "exec-root": text,
        host: { ...texts, short: "H" },
        bridge: text,
        bip: text,
        "build-parallelism": text,
        bip6: text,
        "fixed-cidr": text,
        "fixed-cidr-v6": text,
        ipv6: { type: "boolean" },
        "default-address-pool": texts,
        "config-file": text,
        pidfile: { ...text, short: "p" },
        "log-driver": text,
        "log-level": { ...text, short: "l" },
        "log-opt": texts,
        "insecure-registry": texts,
        label: texts,
        "cdi-spec-dir": texts,
        "plugin-dir": texts,
        "host-gateway-ip": text,
        "published-ports": text,
        icc: text,
        init: { type: "boolean" },
        "init-path": text,
        tlscacert: text,
        tlscert: text,
        tlskey: text,
        experimental: { type: "boolean" },
        "userns-remap": text,
        help: { type: "boolean" },
        version: { type: "boolean", short: "v" },
      },
    }).values as Record<string, string | boolean | string[] | undefined>;
  } catch (error) {
    throw bad(messageOf(error), "see gantryd --help");
  }
}

function readConfigFile(given: string | undefined): Record<string, unknown> {
  const path = given ?? DEFAULT_CONFIG;
  let text: string;
  try {
    text = fs.readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT" && given === undefined) return {};
    throw bad(`unable to configure the engine with file ${path}: ${messageOf(error)}`);
  }
  let parsed: unknown;
  try {
    parsed = text.trim() === "" ? {} : JSON.parse(text);
  } catch (error) {
    throw bad(`unable to configure the engine with file ${path}: ${messageOf(error)}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw bad(`unable to configure the engine with file ${path}: an object is expected`);
  }
  const unknown = Object.keys(parsed).filter((key) => !FILE_KEYS.includes(key));
  if (unknown.length > 0) {
    const text = unknown.join(", ");
    throw bad(
      `the following directives don't match any configuration option: ${text}`,
      `known: ${FILE_KEYS.join(", ")}`,
    );
  }
  return parsed as Record<string, unknown>;
}

const bothPlaces = (flag: string): GantryError =>
  bad(`the following directives are specified both as a flag and in the configuration file: ${flag}`);

function publishedPortsOf(text: string): DaemonOptions["publishedPorts"] {
  if (text === "open" || text === "host-rules") return text;
  throw bad(
    `invalid --published-ports "${text}"`,
    "open lets everybody in, host-rules whom the host's own rules let in",
  );
}

function levelOf(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (!level) throw bad(`invalid logging level: ${text}`);
  return level;
}

function parallelismOf(flag: string | undefined, stored: unknown): number | undefined {
  if (flag !== undefined && stored !== undefined) throw bothPlaces("build-parallelism");
  if (flag === undefined && stored === undefined) return undefined;
  const count = flag === undefined ? stored : Number(flag);
  if (Number.isInteger(count) && (count as number) >= 1) return count as number;
  throw bad(`invalid build-parallelism "${String(flag ?? stored)}": a number from 1 is expected`);
}

function logsOf(driver: string, flags: string[] | undefined, stored: unknown): DaemonOptions["logs"] {
  if (flags !== undefined && stored !== undefined) throw bothPlaces("log-opts");
  if (stored !== undefined && !isTexts(stored)) {
    throw bad('configuration file: "log-opts" must be an object of strings like {"max-size":"10m"}');
  }
  const given = flags?.map((flag): [string, string] => {
    const end = flag.indexOf("=");
    if (end < 0) throw bad(`bad format for --log-opt ${flag}: NAME=VALUE is expected`);
    return [flag.slice(0, end), flag.slice(end + 1)];
  });
  const options = stored ?? Object.fromEntries(given ?? []);
  try {
    validateLogOptions(driver, options);
  } catch (error) {
    throw bad(`failed to set log opts: ${messageOf(error)}`, error instanceof GantryError ? error.hint : undefined);
  }
  return { driver, options };
}

const isTexts = (value: unknown): value is Record<string, string> =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((item) => typeof item === "string");

function poolsOf(flags: string[] | undefined, stored: unknown): DaemonOptions["addressPools"] {
  if (flags !== undefined && stored !== undefined) throw bothPlaces("default-address-pools");
  if (stored !== undefined) {
    if (!Array.isArray(stored) || !stored.every(isPool)) {
      throw bad('configuration file: "default-address-pools" must be a list like [{"base":"10.10.0.0/16","size":24}]');
    }
    return stored;
  }
  return flags?.map((flag) => {
    const parts = new Map(flag.split(",").map((part) => part.split("=", 2) as [string, string]));
    const [base, size] = [parts.get("base"), Number(parts.get("size"))];
    if (!base || !Number.isInteger(size))
      throw bad(`invalid address pool "${flag}": base=10.10.0.0/16,size=24 is expected`);
    return { base, size };
  });
}

const isPool = (value: unknown): value is { base: string; size: number } =>
  typeof value === "object" &&
  value !== null &&
  "base" in value &&
  typeof value.base === "string" &&
  "size" in value &&
  Number.isInteger(value.size);
