import fs from "node:fs";
import os from "node:os";
import type { Host, HostDevice, HostFacts } from "../../ports/host-facts.ts";
import { readCgroupFacts } from "./cgroup.ts";
import { devicesAt } from "./devices.ts";

const read = (file: string): string => {
  try {
    return fs.readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
};

const FORMATS = "/proc/sys/fs/binfmt_misc";

/** By number, linux/capability.h. */
const CAPABILITY_NAMES = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE " +
  "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN " +
  "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE " +
  "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split(" ");

/** /proc/self/limits' words → ulimit's names. */
const LIMIT_NAMES: Readonly<Record<string, string>> = {
  "Max cpu time": "cpu",
  "Max file size": "fsize",
  "Max data size": "data",
  "Max stack size": "stack",
  "Max core file size": "core",
  "Max resident set": "rss",
  "Max processes": "nproc",
  "Max open files": "nofile",
  "Max locked memory": "memlock",
  "Max address space": "as",
  "Max file locks": "locks",
  "Max pending signals": "sigpending",
  "Max msgqueue size": "msgqueue",
  "Max nice priority": "nice",
  "Max realtime priority": "rtprio",
  "Max realtime timeout": "rttime",
};

const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };

/** The machine that gantryd runs on, read once. */
export class LinuxHost implements Host {
  private known: HostFacts | undefined;

  facts(): HostFacts {
    this.known ??= readHostFacts();
    return this.known;
  }

  runsForeignFormats(): boolean {
    if (read(`${FORMATS}/status`) !== "enabled") return false;
    const entries = fs.readdirSync(FORMATS).filter((name) => name !== "register" && name !== "status");
    return entries.some((name) => read(`${FORMATS}/${name}`).startsWith("enabled"));
  }

  devices(path: string): HostDevice[] {
    return devicesAt(path);
  }
}

function readHostFacts(): HostFacts {
  const status = read("/proc/self/status");
  const bounding = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  const release = os.release();
  const [major = 0, minor = 0] = release.split(".").map((part) => Number.parseInt(part, 10));
  const cpuList = read("/sys/devices/system/cpu/online") || "0";
  return {
    cgroup: readCgroupFacts(),
    capabilities: CAPABILITY_NAMES.filter((_, bit) => (bounding >> BigInt(bit)) & 1n).map((name) => `CAP_${name}`),
    hardLimits: hardLimits(read("/proc/self/limits")),
    cpus: os.cpus().length,
    cpuList,
    memoryNodes: read("/sys/devices/system/node/online") || "0",
    memory: os.totalmem(),
    kernel: { release, major, minor },
    architecture: GO_ARCHITECTURES[process.arch] ?? process.arch,
    seccomp: read("/proc/sys/kernel/seccomp/actions_avail").split(/\s+/).filter(Boolean),
    apparmor: read("/sys/module/apparmor/parameters/enabled") === "Y" && fs.existsSync("/sys/kernel/security/apparmor"),
    selinux: fs.existsSync("/sys/fs/selinux/enforce"),
    oomScoreAdj: Number(read("/proc/self/oom_score_adj")) || 0,
    inUserNamespace: !/^\s*0\s+0\s+4294967295\s*$/.test(read("/proc/self/uid_map")),
  };
}

function hardLimits(table: string): Record<string, number> {
  const result: Record<string, number> = {};
  for (const line of table.split("\n").slice(1)) {
    const name = LIMIT_NAMES[line.slice(0, 26).trim()];
    const hard = line.slice(26).trim().split(/\s+/)[1];
    if (name !== undefined && hard !== undefined)
      result[name] = hard === "unlimited" ? Number.POSITIVE_INFINITY : Number(hard);
  }
  return result;
}
