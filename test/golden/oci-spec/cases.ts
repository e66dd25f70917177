import type { ContainerConfig, HostConfig } from "../../../src/base/container-config.ts";
import type { SpecFacts } from "../../../src/engine/containers/spec/facts.ts";
import { hybridHost, modernHost, plainFacts } from "../../unit/engine/containers/spec/host.ts";

const asked = (hostConfig: HostConfig, config: ContainerConfig = {}, over: Partial<SpecFacts> = {}): SpecFacts =>
  plainFacts({ config: { Cmd: ["sh"], ...config }, hostConfig, ...over });

const fuse = { path: "/dev/fuse", type: "c" as const, major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 };
const kvm = { path: "/dev/kvm", type: "c" as const, major: 10, minor: 232, fileMode: 0o660, uid: 0, gid: 104 };
const disk = { path: "/dev/vda", type: "b" as const, major: 254, minor: 0, fileMode: 0o660, uid: 0, gid: 6 };
const nullDevice = { path: "/dev/null", type: "c" as const, major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0 };

const BLOCK_IO: HostConfig = {
  BlkioWeight: 300,
  BlkioWeightDevice: [{ Path: "/dev/vda", Weight: 500 }],
  BlkioDeviceReadBps: [{ Path: "/dev/vda", Rate: 1_048_576 }],
  BlkioDeviceWriteBps: [{ Path: "/dev/vda", Rate: 2_097_152 }],
  BlkioDeviceReadIOps: [{ Path: "/dev/vda", Rate: 100 }],
  BlkioDeviceWriteIOps: [{ Path: "/dev/vda", Rate: 200 }],
};

/** One case for each kind of wish; the name is the file's. */
export const CASES: Record<string, SpecFacts> = {
  plain: plainFacts(),
  "plain-cgroup-hybrid": plainFacts({ host: hybridHost() }),
  "tty-and-environment": asked(
    { ConsoleSize: [24, 80] },
    {
      Tty: true,
      Entrypoint: ["/entry"],
      Cmd: ["a", "b"],
      Env: ["PATH=/bin", "EMPTY=", "TERM", "X=1\n2", "HOME=/h"],
      WorkingDir: "app/./x",
    },
  ),
  "writable-cgroups": asked({ SecurityOpt: ["writable-cgroups=true"] }),
  "ordinary-user": asked(
    { GroupAdd: ["44"] },
    {},
    {
      user: { uid: 1000, gid: 1001, additionalGids: [29, 44], home: "/home/bob" },
    },
  ),
  "user-namespace": asked(
    { OomScoreAdj: -500, IpcMode: "host" },
    {},
    {
      userns: {
        path: "/run/gantry/userns/x",
        map: {
          uids: [
            { inside: 0, outside: 100_000, size: 1000 },
            { inside: 1000, outside: 300_000, size: 1 },
          ],
          gids: [{ inside: 0, outside: 200_000, size: 4 }],
        },
      },
    },
  ),
  capabilities: asked({ CapAdd: ["net_admin", "SYS_PTRACE"], CapDrop: ["CAP_MKNOD", "chown"] }),
  "capabilities-none": asked({ CapDrop: ["ALL"] }),
  "capabilities-all-but-one": asked({ CapAdd: ["ALL"], CapDrop: ["SYS_ADMIN"] }),
  privileged: asked({ Privileged: true }, {}, { devices: { "/dev": [nullDevice, fuse, disk] } }),
  "privileged-on-a-limited-host": asked({ Privileged: true }, {}, { host: hybridHost() }),
  "read-only": asked(
    { ReadonlyRootfs: true, Tmpfs: { "/run": "" } },
    {},
    {
      mounts: [{ type: "tmpfs", source: "", destination: "/run", readOnly: false, options: [] }],
    },
  ),
  mounts: asked(
    {},
    {},
    {
      mounts: [
        { type: "bind", source: "/srv/deep", destination: "/data/a/b", readOnly: false },
        { type: "bind", source: "/srv/data", destination: "/data", readOnly: true, folder: true },
        {
          type: "bind",
          source: "/srv/shared",
          destination: "/shared",
          readOnly: true,
          propagation: "rslave",
          nonRecursive: true,
        },
        { type: "tmpfs", source: "", destination: "/t", readOnly: false, options: ["exec", "size=64m", "mode=1777"] },
        { type: "bind", source: "/my/hosts", destination: "/etc/hosts", readOnly: true },
        { type: "tmpfs", source: "", destination: "/dev/shm", readOnly: false, options: ["size=1g"] },
      ],
    },
  ),
  "mounts-shared": asked(
    {},
    {},
    {
      mounts: [{ type: "bind", source: "/srv", destination: "/srv", readOnly: false, propagation: "rshared" }],
    },
  ),
  "mounts-old-kernel": asked(
    {},
    {},
    {
      host: modernHost({ kernel: { release: "5.4", major: 5, minor: 4 } }),
      mounts: [{ type: "bind", source: "/srv", destination: "/srv", readOnly: true, folder: true }],
    },
  ),
  resources: asked({
    Memory: 256 * 2 ** 20,
    MemoryReservation: 128 * 2 ** 20,
    NanoCpus: 1_500_000_000,
    CpuShares: 512,
    CpusetCpus: "0-1",
    CpusetMems: "0",
    PidsLimit: 100,
    BlkioWeight: 300,
    OomScoreAdj: 500,
  }),
  "resources-cgroup-hybrid": asked(
    {
      Memory: 256 * 2 ** 20,
      MemorySwap: -1,
      MemorySwappiness: 10,
      OomKillDisable: true,
      CpuQuota: 50_000,
      CpuPeriod: 100_000,
      PidsLimit: -1,
      BlkioWeight: 300,
      OomScoreAdj: -500,
    },
    {},
    { host: hybridHost() },
  ),
  "block-io": asked(BLOCK_IO, {}, { devices: { "/dev/vda": [disk] } }),
  "block-io-cgroup-hybrid": asked(
    BLOCK_IO,
    {},
    {
      devices: { "/dev/vda": [disk] },
      host: hybridHost({ cgroup: { ...hybridHost().cgroup, ioWeight: true, ioWeightDevice: true } }),
    },
  ),
  "no-limit-said-aloud": asked({ Memory: 256 * 2 ** 20, MemorySwap: -1, CpuQuota: -1, PidsLimit: -1 }),
  "real-time-cgroup-hybrid": asked(
    { CpuRealtimePeriod: 1_000_000, CpuRealtimeRuntime: 950_000, KernelMemoryTCP: 10_000_000 },
    {},
    { host: hybridHost() },
  ),
  limits: asked({
    Ulimits: [
      { Name: "core", Soft: -1, Hard: -1 },
      { Name: "nofile", Soft: 1024, Hard: 4096 },
    ],
  }),
  "limits-clamped": asked({ Ulimits: [{ Name: "nofile", Soft: 50_000, Hard: 100_000 }] }, {}, { host: hybridHost() }),
  devices: asked(
    {
      Devices: [
        { PathOnHost: "/dev/fuse", PathInContainer: "/dev/my-fuse", CgroupPermissions: "rw" },
        { PathOnHost: "/dev/folder", PathInContainer: "/dev/inside", CgroupPermissions: "" },
      ],
      DeviceCgroupRules: ["c 13:* rwm", "b 8:0 r"],
    },
    {},
    { devices: { "/dev/fuse": [fuse], "/dev/folder": [{ ...kvm, path: "/dev/folder/kvm" }] } },
  ),
  "namespaces-of-the-host": asked(
    { NetworkMode: "host", PidMode: "host", IpcMode: "host", UTSMode: "host", CgroupnsMode: "host" },
    { Domainname: "example.org" },
    { netns: undefined, shm: "/dev/shm" },
  ),
  "namespaces-of-a-container": asked(
    { NetworkMode: "container:x", PidMode: "container:x", IpcMode: "container:x" },
    {},
    { joined: { pid: "/proc/7/ns/pid", ipc: "/proc/7/ns/ipc" }, shm: "/run/gantry/x/shm" },
  ),
  "ipc-none": asked({ IpcMode: "none" }),
  sysctls: asked({ Sysctls: { "net.core.somaxconn": "1024", "kernel.shmmax": "1" } }, { Domainname: "example.org" }),
  "security-options": asked(
    { SecurityOpt: ["no-new-privileges", "seccomp=unconfined", "apparmor=mine", "label=disable"] },
    {},
    {
      host: modernHost({ apparmor: true }),
    },
  ),
  "seccomp-profile": asked({
    SecurityOpt: [
      'seccomp={"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}]}',
    ],
  }),
  "own-masked-paths": asked({ MaskedPaths: [], ReadonlyPaths: ["/proc/sys"] }),
  "init-and-annotations": asked(
    { Init: true, Annotations: { "org.example": "1" }, CgroupParent: "/my/../parent/", ShmSize: 2 ** 20 },
    {},
    {
      initBinary: "/usr/bin/tini-static",
    },
  ),
};
