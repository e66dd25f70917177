import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContainerConfig, HostConfig } from "../../../../../src/base/container-config.ts";
import { validateHostConfig } from "../../../../../src/engine/containers/spec/validate.ts";
import type { HostFacts } from "../../../../../src/ports/host-facts.ts";
import { hybridHost, modernHost } from "./host.ts";

const check = (hostConfig: HostConfig, config: ContainerConfig = {}, host: HostFacts = modernHost()): string[] =>
  validateHostConfig(config, hostConfig, host, false);

const MB = 2 ** 20;

/** What is asked → the words it is refused with. */
const REFUSED: [HostConfig, string][] = [
  [{ Memory: 5 * MB }, "Minimum memory limit allowed is 6MB"],
  [{ UsernsMode: "mine" }, "invalid USER mode: mine"],
  [{ Memory: -1 }, "Minimum memory limit allowed is 6MB"],
  [{ Memory: 20 * MB, MemorySwap: 10 * MB }, "Minimum memoryswap limit should be larger than memory limit, see usage"],
  [{ MemorySwap: 10 * MB }, "You should always set the Memory limit when using Memoryswap limit, see usage"],
  [{ MemoryReservation: MB }, "Minimum memory reservation allowed is 6MB"],
  [
    { Memory: 10 * MB, MemoryReservation: 20 * MB },
    "Minimum memory limit can not be less than memory reservation limit, see usage",
  ],
  [{ NanoCpus: 5e9 }, "range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available"],
  [{ NanoCpus: -1 }, "range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available"],
  [{ NanoCpus: 1e9, CpuQuota: 5000 }, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"],
  [{ NanoCpus: 1e9, CpuPeriod: 5000 }, "Conflicting options: Nano CPUs and CPU Period cannot both be set"],
  [{ CpuPeriod: 10 }, "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"],
  [{ CpuQuota: 10 }, "CPU cfs quota can not be less than 1ms (i.e. 1000)"],
  [{ CpusetCpus: "0-9" }, "Requested CPUs are not available - requested 0-9, available: 0-3"],
  [{ CpusetCpus: "zero" }, "Invalid value zero for cpuset cpus: invalid format: zero"],
  [{ CpusetMems: "0-99999" }, "Invalid value 0-99999 for cpuset mems: invalid format: 0-99999"],
  [{ BlkioWeight: 5 }, "Range of blkio weight is from 10 to 1000"],
  [{ BlkioWeightDevice: [{ Path: "/dev/sda", Weight: 1 }] }, "invalid weight for device: /dev/sda:1"],
  [{ BlkioDeviceReadBps: [{ Path: "/dev/sda", Rate: -1 }] }, "invalid rate for device: /dev/sda:-1"],
  [{ IOMaximumIOps: 1 }, "Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps"],
  [{ OomScoreAdj: 1001 }, "Invalid value 1001, range for oom score adj is [-1000, 1000]"],
  [{ ShmSize: -1 }, "SHM size can not be less than 0"],
  [{ CapAdd: ["foo"] }, 'invalid CapAdd: unknown capability: "CAP_FOO"'],
  [{ CapDrop: ["CAP_BAR"] }, 'invalid CapDrop: unknown capability: "CAP_BAR"'],
  [{ IpcMode: "weird" }, "invalid IPC mode: weird"],
  [{ IpcMode: "container:" }, "invalid IPC mode: container:"],
  [{ PidMode: "host:1" }, "invalid PID mode: host:1"],
  [{ UTSMode: "container:x" }, "invalid UTS mode: container:x"],
  [{ SecurityOpt: ["what"] }, 'invalid --security-opt 1: "what"'],
  [{ SecurityOpt: ["what=ever"] }, 'invalid --security-opt 2: "what=ever"'],
  [{ SecurityOpt: ["no-new-privileges=maybe"] }, 'invalid --security-opt 2: "no-new-privileges=maybe"'],
  [{ Sysctls: { "kernel.core_pattern": "|/x" } }, "sysctl 'kernel.core_pattern' is not allowed"],
  [{ Sysctls: { "net/../kernel/core_pattern": "x" } }, "sysctl 'net/../kernel/core_pattern' is not allowed"],
  [
    { NetworkMode: "host", Sysctls: { "net.ipv4.ip_forward": "1" } },
    'sysctl "net.ipv4.ip_forward" not allowed in host network namespace',
  ],
  [
    { IpcMode: "host", Sysctls: { "kernel.msgmax": "1" } },
    "sysctl 'kernel.msgmax' is not allowed in the hosts ipc namespace",
  ],
  [{ Tmpfs: { "/run": "bogus" } }, 'invalid tmpfs option ["bogus"]'],
  [{ DeviceCgroupRules: ["c 1:* q"] }, "invalid device cgroup rule format: 'c 1:* q'"],
  [{ Ulimits: [{ Name: "x", Soft: 1, Hard: 1 }] }, "invalid ulimit type: x"],
  [
    { Ulimits: [{ Name: "nofile", Soft: 20, Hard: 10 }] },
    "ulimit soft limit must be less than or equal to hard limit: 20 > 10",
  ],
  [
    { RestartPolicy: { Name: "always", MaximumRetryCount: 3 } },
    "invalid restart policy: maximum retry count can only be used with 'on-failure'",
  ],
  [{ RestartPolicy: { Name: "always" }, AutoRemove: true }, "can't create 'AutoRemove' container with restart policy"],
];

describe("a create request", () => {
  for (const [hostConfig, message] of REFUSED) {
    it(`is refused: ${message}`, () => {
      assert.throws(() => check(hostConfig), { name: "GantryError", kind: "invalid", message });
    });
  }

  it("is refused for a working folder that is relative or leads through a process's descriptors", () => {
    assert.throws(() => check({}, { WorkingDir: "app" }), {
      message: "the working directory 'app' is invalid, it needs to be an absolute path",
    });
    for (const WorkingDir of [
      "/proc/self/fd/7",
      "/proc/1/fd",
      "//proc/./thread-self/fd/8/../..",
      "/x/../proc/self/cwd",
    ]) {
      assert.throws(() => check({}, { WorkingDir }), { code: "UNSAFE_WORKDIR" }, WorkingDir);
    }
    assert.deepEqual(check({}, { WorkingDir: "/proc/sys" }), []);
  });

  it("is refused for NUL bytes, but a newline in a variable is fine", () => {
    assert.throws(() => check({}, { Env: ["A=\0"] }), { code: "NUL_BYTE" });
    assert.throws(() => check({}, { Cmd: ["a\0b"] }), { code: "NUL_BYTE" });
    assert.deepEqual(check({}, { Env: ["A=1\n2", "B=$(id)"] }), []);
  });

  it("is refused when it shares another container's network and asks for what belongs to that one", () => {
    const NetworkMode = "container:x";
    assert.throws(() => check({ NetworkMode }, { Hostname: "h" }), {
      message: "conflicting options: hostname and the network mode",
    });
    assert.throws(() => check({ NetworkMode, Dns: ["1.1.1.1"] }), {
      message: "conflicting options: dns and the network mode",
    });
    assert.throws(
      () => check({ NetworkMode, PublishAllPorts: true }),
      /port publishing and the container type network mode/,
    );
    assert.deepEqual(check({ NetworkMode }, { ExposedPorts: { "80/tcp": {} } }), []);
  });

  it("passes with good values", () => {
    assert.deepEqual(
      check({
        Memory: 6 * MB,
        MemorySwap: -1,
        NanoCpus: 4e9,
        CpusetCpus: "0,2-3",
        CapAdd: ["all"],
        CapDrop: ["net_raw"],
        SecurityOpt: ["no-new-privileges:true", "label=disable", "seccomp=unconfined"],
        Sysctls: { "net.core.somaxconn": "1024", "kernel.shmmax": "1" },
        RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
        Ulimits: [{ Name: "core", Soft: -1, Hard: -1 }],
      }),
      [],
    );
  });

  it("gets a warning where only CAP_SYS_RESOURCE could go beyond a limit of the engine's own", () => {
    const Ulimits = [
      { Name: "nofile", Soft: 10, Hard: 30_000 },
      { Name: "core", Soft: -1, Hard: -1 },
    ];
    assert.deepEqual(check({ OomScoreAdj: -500, Ulimits }, {}, hybridHost()), [
      "OOM score adjustment -500 can't be had without CAP_SYS_RESOURCE: it is 0.",
      "Ulimit nofile=30000 can't be had without CAP_SYS_RESOURCE: it is 20000.",
    ]);
    assert.deepEqual(check({ OomScoreAdj: -500, Ulimits }), []);
  });

  it("gets a warning for what the host cannot do", () => {
    const bare = modernHost({
      cgroup: {
        version: 2,
        controllers: [],
        mountpoints: {},
        swapLimit: false,
        cpuQuota: false,
        cpuRealtime: false,
        ioWeight: false,
        ioWeightDevice: false,
        ioThrottle: false,
      },
    });
    const warnings = check({ Memory: 10 * MB, CpuShares: 5, PidsLimit: 5, BlkioWeight: 50, CpusetCpus: "0" }, {}, bare);
    assert.equal(warnings.length, 5);
    for (const warning of warnings) assert.match(warning, /or the cgroup is not mounted\. .*discarded\./);
    assert.deepEqual(check({ CapAdd: ["SYS_RESOURCE"] }, {}, hybridHost()), [
      'capability "CAP_SYS_RESOURCE" is not available on this host and was not added',
    ]);
    const rate = [{ Path: "/dev/sda", Rate: 1 }];
    const throttled = { BlkioDeviceReadBps: rate, BlkioDeviceWriteBps: rate, BlkioDeviceReadIOps: rate };
    assert.deepEqual(
      check(
        { ...throttled, BlkioDeviceWriteIOps: rate, BlkioWeightDevice: [{ Path: "/dev/sda", Weight: 10 }] },
        {},
        bare,
      ),
      [
        "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.",
        "Your kernel does not support BPS Block I/O read limit or the cgroup is not mounted. Block I/O BPS read limit discarded.",
        "Your kernel does not support BPS Block I/O write limit or the cgroup is not mounted. Block I/O BPS write limit discarded.",
        "Your kernel does not support IOPS Block read limit or the cgroup is not mounted. Block I/O IOPS read limit discarded.",
        "Your kernel does not support IOPS Block write limit or the cgroup is not mounted. Block I/O IOPS write limit discarded.",
      ],
    );
    assert.deepEqual(check({ CpuRealtimeRuntime: 1000, CpuPercent: 5, KernelMemory: 10 * MB, KernelMemoryTCP: 1 }), [
      "Your kernel does not support kernel memory limit capabilities or the cgroup is not mounted. Limitation discarded.",
      "Your kernel does not support kernel memory TCP limit capabilities or the cgroup is not mounted. Limitation discarded.",
      "linux does not support CPU percent. Percent discarded.",
      "Your kernel does not support CPU real-time scheduler. CPU real-time period/runtime discarded.",
    ]);
    assert.deepEqual(check({ MemorySwappiness: 50, OomKillDisable: true, Memory: 10 * MB }), [
      "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.",
      "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
    ]);
  });
});

describe("a container in a user namespace", () => {
  const remapped = (hostConfig: HostConfig): string[] => validateHostConfig({}, hostConfig, modernHost(), true);

  it("cannot have what only the host's root can give", () => {
    assert.throws(
      () => remapped({ Privileged: true }),
      /^GantryError: privileged mode is incompatible with user namespaces/,
    );
    assert.throws(() => remapped({ NetworkMode: "host" }), /cannot share the host's network namespace when user/);
    assert.throws(() => remapped({ PidMode: "host" }), /cannot share the host PID namespace when user namespaces/);
    assert.deepEqual(remapped({ NetworkMode: "bridge", IpcMode: "host" }), []);
  });
});
