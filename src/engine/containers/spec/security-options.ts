import { GantryError } from "../../../base/errors.ts";

/** HostConfig.SecurityOpt, read. */
export interface SecurityOptions {
  noNewPrivileges: boolean;
  /** "default", "unconfined", or the profile's JSON text. */
  seccomp: string;
  /** A profile's name or "unconfined"; undefined: nothing asked. */
  apparmor?: string;
  /** The container's control groups at /sys/fs/cgroup can be written. */
  writableCgroups: boolean;
  /** SELinux label options as given ("disable", "type:…"). */
  labels: string[];
}

const TRUE_WORDS = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE_WORDS = new Set(["0", "f", "F", "FALSE", "false", "False"]);

const bad = (kind: 1 | 2, option: string): GantryError =>
  new GantryError("invalid", "BAD_SECURITY_OPT", `invalid --security-opt ${kind}: "${option}"`);

function truth(value: string, option: string): boolean {
  if (!TRUE_WORDS.has(value) && !FALSE_WORDS.has(value)) throw bad(2, option);
  return TRUE_WORDS.has(value);
}

/** Throws invalid BAD_SECURITY_OPT in Docker's words. Both `key=value` and the old `key:value` are read. */
export function readSecurityOptions(options: readonly string[] | null | undefined): SecurityOptions {
  const result: SecurityOptions = {
    noNewPrivileges: false,
    seccomp: "default",
    writableCgroups: false,
    labels: [],
  };
  for (const option of options ?? []) {
    if (option === "no-new-privileges") {
      result.noNewPrivileges = true;
      continue;
    }
    if (option === "disable") {
      result.labels.push("disable");
      continue;
    }
    const cut = option.search(/[=:]/);
    if (cut < 0) throw bad(1, option);
    const value = option.slice(cut + 1);
    switch (option.slice(0, cut)) {
      case "no-new-privileges":
        result.noNewPrivileges = truth(value, option);
        break;
      case "writable-cgroups":
        result.writableCgroups = truth(value, option);
        break;
      case "seccomp":
        result.seccomp = value === "builtin" ? "default" : value;
        break;
      case "apparmor":
        result.apparmor = value;
        break;
      case "label":
        result.labels.push(value);
        break;
      default:
        throw bad(2, option);
    }
  }
  return result;
}
