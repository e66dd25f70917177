import type { HostFacts } from "../../../../../src/ports/host-facts.ts";
import { CAPABILITIES } from "../../../../../src/base/capabilities.ts";
import type { SpecFacts } from "../../../../../src/engine/containers/spec/facts.ts";

/** A machine with cgroup v2, four CPUs, 8 GB and every capability. */
export const modernHost = (over: Partial<HostFacts> = {}): HostFacts => ({
  cgroup: {
    version: 2,
    controllers: ["cpuset", "cpu", "io", "memory", "pids", "devices", "freezer"],
    mountpoints: { unified: "/sys/fs/cgroup" },
    swapLimit: true,
    cpuQuota: true,
    cpuRealtime: false,
    ioWeight: true,
    ioWeightDevice: false,
    ioThrottle: true,
  },
  capabilities: [...CAPABILITIES],
  hardLimits: { nofile: 1_048_576, core: Number.POSITIVE_INFINITY },
  cpus: 4,
  cpuList: "0-3",
  memoryNodes: "0",
  memory: 8 * 2 ** 30,
  kernel: { release: "6.1.0", major: 6, minor: 1 },
  architecture: "amd64",
  seccomp: ["errno", "allow"],
  apparmor: false,
  selinux: false,
  oomScoreAdj: 0,
  inUserNamespace: false,
  ...over,
});

/** The same with controllers on cgroup v1 beside an empty v2 tree, and without CAP_SYS_RESOURCE. */
export const hybridHost = (over: Partial<HostFacts> = {}): HostFacts =>
  modernHost({
    cgroup: {
      version: "hybrid",
      controllers: ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids"],
      mountpoints: { memory: "/sys/fs/cgroup/memory", unified: "/sys/fs/cgroup/unified" },
      swapLimit: true,
      cpuQuota: true,
      cpuRealtime: true,
      ioWeight: false,
      ioWeightDevice: false,
      ioThrottle: true,
    },
    capabilities: CAPABILITIES.filter((name) => name !== "CAP_SYS_RESOURCE"),
    hardLimits: { nofile: 20_000, core: Number.POSITIVE_INFINITY },
    ...over,
  });

export const ID = "ab".repeat(32);

/** A container that runs `sh` with all defaults on a network of its own. */
export const plainFacts = (over: Partial<SpecFacts> = {}): SpecFacts => ({
  id: ID,
  name: "plain",
  config: { Cmd: ["sh"] },
  hostConfig: {},
  rootfs: "/data/rootfs",
  hostname: "abababababab",
  user: { uid: 0, gid: 0, additionalGids: [], home: "/root" },
  netns: "/run/gantry/netns/x",
  mounts: [],
  files: { hosts: "/data/hosts", resolvConf: "/data/resolv.conf", hostname: "/data/hostname" },
  host: modernHost(),
  ...over,
});
