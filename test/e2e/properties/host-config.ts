import assert from "node:assert/strict";
import fs from "node:fs";
import { until } from "../../support/until.ts";
import { elsewhere, inspect, type Proofs, stored, windows } from "./proof.ts";

const host = (HostConfig: object) => ({ HostConfig });
const limits = (name: string) => elsewhere("e2e/resources.test.ts", name);

/** Limits; each is held against the kernel's own files by the tests of resources. */
export const RESOURCES: Proofs = {
  CpuShares: {
    asked: host({ CpuShares: 512 }),
    script: "cat /sys/fs/cgroup/cpu/cpu.shares /sys/fs/cgroup/cpu.weight 2>/dev/null",
    is: /^(512|20)$/,
  },
  Memory: {
    asked: host({ Memory: 64 << 20 }),
    script: "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null",
    is: String(64 << 20),
  },
  CgroupParent: {
    asked: host({ CgroupParent: "/gantry/props" }),
    look: async (id, world) => {
      const pid = await inspect(world, id, "{{.State.Pid}}");
      assert.match(fs.readFileSync(`/proc/${pid}/cgroup`, "utf8"), new RegExp(`/gantry/props/${id}`));
    },
  },
  BlkioWeight: limits("--blkio-weight"),
  BlkioWeightDevice: limits("weight"),
  BlkioDeviceReadBps: limits("--device-read-bps"),
  BlkioDeviceWriteBps: limits("--device-write-bps"),
  BlkioDeviceReadIOps: limits("--device-read-iops"),
  BlkioDeviceWriteIOps: limits("--device-write-iops"),
  CpuPeriod: limits("--cpu-period"),
  CpuQuota: limits("--cpu-quota"),
  CpuRealtimePeriod: limits("--cpu-rt-"),
  CpuRealtimeRuntime: limits("--cpu-rt-"),
  CpusetCpus: {
    asked: host({ CpusetCpus: "0" }),
    script: "grep -o 'Cpus_allowed_list.*' /proc/self/status",
    is: /\t0$/,
  },
  CpusetMems: {
    asked: host({ CpusetMems: "0" }),
    script: "grep -o 'Mems_allowed_list.*' /proc/self/status",
    is: /\t0$/,
  },
  Devices: {
    asked: host({ Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/hole", CgroupPermissions: "w" }] }),
    script: "stat -c %t:%T /dev/hole; echo x >/dev/hole && echo written",
    is: "1:3\nwritten",
  },
  DeviceCgroupRules: {
    asked: host({ DeviceCgroupRules: ["c 10:240 r"] }),
    // both lack a driver; that is told only to who may try
    script: "mknod /a c 10 240; mknod /b c 10 241; cat /a /b 2>&1",
    is: /No such device.*\n.*Operation not permitted/,
  },
  DeviceRequests: elsewhere("e2e/cdi.test.ts", "--gpus"),
  KernelMemoryTCP: limits("KernelMemoryTCP"),
  MemoryReservation: limits("--memory-reservation"),
  MemorySwap: limits("--memory-swap"),
  MemorySwappiness: limits("swappiness"),
  NanoCpus: limits("--cpus"),
  OomKillDisable: limits("oom-kill-disable"),
  Init: { asked: host({ Init: true }), script: "tr '\\0' ' ' </proc/1/cmdline", is: /^\/sbin\/docker-init -- sh -c/ },
  PidsLimit: limits("--pids-limit"),
  Ulimits: {
    asked: host({ Ulimits: [{ Name: "nofile", Soft: 77, Hard: 88 }] }),
    script: "ulimit -Sn; ulimit -Hn",
    is: "77\n88",
  },
  CpuCount: windows,
  CpuPercent: windows,
  IOMaximumIOps: windows,
  IOMaximumBandwidth: windows,
};

const joined = /^(net|pid|ipc|uts):\[\d+\]$/;
const sharedWith = (kind: string, script: string, is: string) => ({
  asked: ({ donor }: { donor: string }) => host({ [kind]: `container:${donor}` }),
  script,
  is,
});

export const HOST_CONFIG: Proofs = {
  Binds: {
    asked: ({ folder }) => host({ Binds: [`${folder}:/b:ro`] }),
    script: "cat /b/in; touch /b/x 2>/dev/null || echo no",
    is: "inside\nno",
  },
  ContainerIDFile: stored("written by the client; the engine keeps the name for inspect"),
  LogConfig: {
    asked: host({ LogConfig: { Type: "none" } }),
    look: async (id, { engine }) => {
      assert.match((await engine.docker("logs", id)).stderr, /does not support reading/);
    },
  },
  NetworkMode: { asked: host({ NetworkMode: "none" }), script: "ls /sys/class/net", is: "lo" },
  PortBindings: elsewhere("e2e/ports.test.ts", "-p"),
  RestartPolicy: {
    asked: { Cmd: ["sh", "-c", "exit 3"], ...host({ RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 } }) },
    look: async (id, world) => {
      const state = (): Promise<string> =>
        inspect(world, id, "{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}");
      await until(async () => (await state()) === "exited 2 3", { what: "two more attempts" });
    },
  },
  AutoRemove: elsewhere("e2e/containers.test.ts", "--rm"),
  VolumeDriver: {
    asked: host({ VolumeDriver: "nosuch", Binds: ["props-never:/v"] }),
    refusal: /plugin "nosuch" not found/,
  },
  VolumesFrom: {
    asked: ({ donor }) => host({ VolumesFrom: [`${donor}:ro`] }),
    script: "cat /kept/in; touch /kept/x 2>/dev/null || echo no",
    is: "inside\nno",
  },
  Mounts: elsewhere("e2e/mount-types.test.ts", "type=image"),
  ConsoleSize: { asked: { Tty: true, ...host({ ConsoleSize: [33, 111] }) }, script: "stty size", is: "33 111\r" },
  Annotations: {
    asked: host({ Annotations: { "org.example.shelf": "top" } }),
    look: async (id, { engine }) => {
      const spec = fs.readFileSync(`${engine.execRoot}/bundles/${id}/config.json`, "utf8");
      assert.equal(JSON.parse(spec).annotations["org.example.shelf"], "top");
    },
  },
  CapAdd: {
    asked: host({ CapDrop: ["ALL"], CapAdd: ["net_raw"] }),
    script: "grep CapBnd /proc/self/status",
    is: "CapBnd:\t0000000000002000",
  },
  CapDrop: {
    asked: host({ CapDrop: ["ALL"] }),
    script: "grep CapBnd /proc/self/status",
    is: "CapBnd:\t0000000000000000",
  },
  CgroupnsMode: {
    asked: host({ CgroupnsMode: "private" }),
    script: "cut -d: -f3 /proc/self/cgroup | sort -u",
    is: "/",
  },
  Dns: { asked: host({ Dns: ["9.9.9.9"] }), script: "cat /etc/resolv.conf", is: "nameserver 9.9.9.9" },
  DnsOptions: {
    asked: host({ Dns: ["9.9.9.9"], DnsSearch: ["."], DnsOptions: ["ndots:7"] }),
    script: "cat /etc/resolv.conf",
    is: "nameserver 9.9.9.9\noptions ndots:7",
  },
  DnsSearch: {
    asked: host({ DnsSearch: ["a.b", "c.d"] }),
    script: "grep search /etc/resolv.conf",
    is: "search a.b c.d",
  },
  ExtraHosts: {
    asked: host({ ExtraHosts: ["up:host-gateway", "far:1.2.3.4"] }),
    script: "grep -E 'up|far' /etc/hosts | cut -f2; ping -c1 -W2 up >/dev/null && echo reached",
    is: "up\nfar\nreached",
  },
  GroupAdd: { asked: host({ GroupAdd: ["4242"] }), script: "id -G | tr ' ' '\\n' | grep -x 4242", is: "4242" },
  IpcMode: sharedWith("IpcMode", "cat /dev/shm/in", "inside"),
  Cgroup: stored("Docker itself reads it nowhere"),
  Links: elsewhere("e2e/links.test.ts", "links on the default bridge"),
  OomScoreAdj: { asked: host({ OomScoreAdj: 500 }), script: "cat /proc/self/oom_score_adj", is: "500" },
  PidMode: sharedWith("PidMode", "tr '\\0' ' ' </proc/1/cmdline | grep -o donor", "donor"),
  Privileged: {
    asked: host({ Privileged: true }),
    script:
      "grep Seccomp: /proc/self/status; mount | grep -o ' /sys type sysfs (rw'; ls /dev | grep -c . | grep -v '^1.$'",
    is: /^Seccomp:\t0\n \/sys type sysfs \(rw\n\d+$/,
  },
  PublishAllPorts: {
    asked: { ExposedPorts: { "80/tcp": {} }, ...host({ PublishAllPorts: true }) },
    look: async (id, { engine }) => assert.match(await engine.ok("port", id), /^80\/tcp -> 0\.0\.0\.0:\d+/),
  },
  ReadonlyRootfs: {
    asked: host({ ReadonlyRootfs: true, Tmpfs: { "/run": "" } }),
    script: "touch /x 2>/dev/null || echo no; touch /run/x && echo yes",
    is: "no\nyes",
  },
  SecurityOpt: {
    asked: host({ SecurityOpt: ["no-new-privileges", "seccomp=unconfined", "apparmor=none-here", "label=type:none"] }),
    script: "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status",
    is: "NoNewPrivs:\t1\nSeccomp:\t0",
  },
  StorageOpt: {
    asked: host({ StorageOpt: { size: "10G" } }),
    refusal: /--storage-opt is supported only for overlay over xfs with 'pquota' mount option/,
  },
  Tmpfs: {
    asked: host({ Tmpfs: { "/t": "size=1m,mode=1770" } }),
    script: "df -k /t | awk 'NR==2 {print $2}'; stat -c %a /t",
    is: "1024\n1770",
  },
  UTSMode: {
    asked: host({ UTSMode: "host" }),
    look: async (id, world) => {
      const pid = await inspect(world, id, "{{.State.Pid}}");
      const [own, theirs] = ["self", pid].map((who) => fs.readlinkSync(`/proc/${who}/ns/uts`));
      assert.match(own!, joined);
      assert.equal(theirs, own);
    },
  },
  UsernsMode: elsewhere("e2e/userns.test.ts", "userns"),
  ShmSize: { asked: host({ ShmSize: 3 << 20 }), script: "df -k /dev/shm | awk 'NR==2 {print $2}'", is: "3072" },
  Sysctls: {
    asked: host({ Sysctls: { "kernel.msgmax": "1000" } }),
    script:
      "cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_unprivileged_port_start; tr '\\t' ' ' </proc/sys/net/ipv4/ping_group_range",
    is: "1000\n0\n0 2147483647",
  },
  Runtime: { asked: host({ Runtime: "nosuch" }), refusal: /unknown or invalid runtime name: nosuch/ },
  Isolation: {
    asked: host({ Isolation: "hyperv" }),
    refusal: /Invalid isolation: "hyperv" - linux only supports 'default'/,
  },
  MaskedPaths: { asked: host({ MaskedPaths: ["/etc/passwd"] }), script: "wc -c </etc/passwd", is: "0" },
  ReadonlyPaths: {
    asked: host({ ReadonlyPaths: ["/etc"] }),
    script: "touch /etc/x 2>/dev/null || echo no; touch /x && echo yes",
    is: "no\nyes",
  },
};

const log = elsewhere("e2e/logging.test.ts", "--log-driver");

export const SMALLER: Record<string, Proofs> = {
  "HostConfig.LogConfig": { Type: HOST_CONFIG["LogConfig"]!, Config: log },
  RestartPolicy: { Name: HOST_CONFIG["RestartPolicy"]!, MaximumRetryCount: HOST_CONFIG["RestartPolicy"]! },
  DeviceMapping: {
    PathOnHost: RESOURCES["Devices"]!,
    PathInContainer: RESOURCES["Devices"]!,
    CgroupPermissions: {
      asked: host({ Devices: [{ PathOnHost: "/dev/kmsg", PathInContainer: "/dev/k", CgroupPermissions: "w" }] }),
      script: "head -c0 /dev/k 2>/dev/null || echo closed",
      is: "closed",
    },
  },
  DeviceRequest: {
    Driver: elsewhere("e2e/cdi.test.ts", "driver=nvidia"),
    Count: elsewhere("e2e/cdi.test.ts", 'seen("2")'),
    DeviceIDs: elsewhere("e2e/cdi.test.ts", "device=1"),
    Capabilities: elsewhere("e2e/cdi.test.ts", "capabilities=utility"),
    Options: stored(
      "for drivers that are programs; CDI's files take none, and a request by their names with some is refused",
    ),
  },
};
