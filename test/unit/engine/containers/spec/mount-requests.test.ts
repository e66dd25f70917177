import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContainerConfig, HostConfig } from "../../../../../src/base/container-config.ts";
import { refuseMountTarget } from "../../../../../src/engine/containers/spec/guards.ts";
import {
  type MountRequest,
  planMountRequests,
  readVolumesFrom,
} from "../../../../../src/engine/containers/spec/mount-requests.ts";

const plan = (hostConfig: HostConfig, config: ContainerConfig = {}): MountRequest[] =>
  planMountRequests(config, hostConfig);

const BAD_BINDS: [string, string][] = [
  ["a:b:c:d", "invalid volume specification: 'a:b:c:d'"],
  ["", "invalid volume specification: ''"],
  [":/x", "invalid volume specification: ':/x'"],
  ["/data:ro", "invalid volume specification: '/data:ro'"],
  ["/a:/b:bogus", "invalid mode: bogus"],
  ["/a:/b:ro,rw", "invalid mode: ro,rw"],
  [
    "/a:/b:nocopy",
    `invalid volume specification: '/a:/b:nocopy': invalid mount config for type "bind": field VolumeOptions must not be specified`,
  ],
  [
    "vol:/b:shared",
    `invalid volume specification: 'vol:/b:shared': invalid mount config for type "volume": field BindOptions must not be specified`,
  ],
  [
    "vol:b",
    `invalid volume specification: 'vol:b': invalid mount config for type "volume": invalid mount path: 'b' mount path must be absolute`,
  ],
  [
    "/a:/",
    `invalid volume specification: '/a:/': invalid mount config for type "bind": invalid specification: destination can't be '/'`,
  ],
];

describe("the mounts of a create request", () => {
  it("read -v with a host path, a name, and modes", () => {
    const [bind, volume, nocopy] = plan({
      Binds: ["/a/../src/:/dst/./x:ro,rslave,z", "data:/var/data", "data:/other:nocopy"],
    });
    assert.deepEqual(bind, {
      type: "bind",
      source: "/src",
      destination: "/dst/x",
      readOnly: true,
      mode: "ro,rslave,z",
      propagation: "rslave",
      nonRecursive: false,
      submounts: "asked",
      createSource: true,
    });
    assert.deepEqual(volume, {
      type: "volume",
      name: "data",
      destination: "/var/data",
      readOnly: false,
      mode: "z",
      labels: {},
      options: {},
      noCopy: false,
    });
    assert.equal(nocopy?.type === "volume" && nocopy.noCopy, true);
  });

  for (const [bind, message] of BAD_BINDS) {
    it(`refuse -v ${bind}`, () => {
      assert.throws(() => plan({ Binds: [bind] }), { kind: "invalid", message });
    });
  }

  it("read --mount of all types", () => {
    const requests = plan({
      Mounts: [
        { Type: "bind", Source: "/src", Target: "/b", ReadOnly: true, BindOptions: { NonRecursive: true } },
        { Type: "volume", Source: "v", Target: "/v", VolumeOptions: { Subpath: "a/b", Labels: { x: "y" } } },
        { Type: "volume", Target: "/anonymous" },
        { Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 4096, Mode: 0o1777 } },
      ],
    });
    assert.deepEqual(
      requests.map((request) => [request.type, request.destination, request.mode, request.readOnly]),
      [
        ["bind", "/b", "", true],
        ["volume", "/v", "z", false],
        ["volume", "/anonymous", "z", false],
        ["tmpfs", "/t", "", false],
      ],
    );
    assert.equal(requests[0]?.type === "bind" && requests[0].createSource, false);
    assert.equal(requests[1]?.type === "volume" && requests[1].subpath, "a/b");
    assert.deepEqual(requests[3]?.type === "tmpfs" && requests[3].options, ["size=4096", "mode=1777"]);
  });

  it("refuse a --mount that makes no sense", () => {
    const cases: [HostConfig["Mounts"], string][] = [
      [[{ Type: "bind", Target: "/x" }], 'invalid mount config for type "bind": field Source must not be empty'],
      [
        [{ Type: "bind", Source: "/x", Target: "" }],
        'invalid mount config for type "bind": field Target must not be empty',
      ],
      [
        [{ Type: "bind", Source: "x", Target: "/x" }],
        `invalid mount config for type "bind": invalid mount path: 'x' mount path must be absolute`,
      ],
      [
        [{ Type: "tmpfs", Source: "/x", Target: "/x" }],
        'invalid mount config for type "tmpfs": field Source must not be specified',
      ],
      [
        [{ Type: "bind", Source: "/x", Target: "/x", VolumeOptions: {} }],
        'invalid mount config for type "bind": field VolumeOptions must not be specified',
      ],
      [
        [{ Type: "volume", Source: "v", Target: "/x", VolumeOptions: { Subpath: "../x" } }],
        'invalid mount config for type "volume": subpath must be a relative path within the volume',
      ],
      [[{ Type: "npipe", Target: "/x" }], 'invalid mount config for type "npipe": mount type unknown'],
      [[{ Type: "cluster", Target: "/x" }], 'invalid mount config for type "cluster": mount type unknown'],
      [[{ Type: "image", Target: "/x" }], 'invalid mount config for type "image": field Source must not be empty'],
      [
        [{ Type: "image", Source: "i", Target: "/x", ImageOptions: { Subpath: "../y" } }],
        'invalid mount config for type "image": subpath must be a relative path within the image',
      ],
      [
        [{ Type: "volume", ReadOnly: true, Target: "/x" }],
        'invalid mount config for type "volume": must not set ReadOnly mode when using anonymous volumes',
      ],
      [
        [{ Type: "tmpfs", Target: "/x", TmpfsOptions: { Options: [["dev"]] } }],
        'invalid mount config for type "tmpfs": invalid option: dev',
      ],
      [
        [
          {
            ...{ Type: "bind", Source: "/s", Target: "/x", ReadOnly: true },
            BindOptions: { ReadOnlyNonRecursive: true, ReadOnlyForceRecursive: true },
          },
        ],
        'invalid mount config for type "bind": mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive',
      ],
    ];
    for (const [Mounts, message] of cases) assert.throws(() => plan({ Mounts }), { kind: "invalid", message });
  });

  it("refuse two mounts at one place", () => {
    const message = "Duplicate mount point: /x";
    assert.throws(() => plan({ Binds: ["/a:/x", "/b:/x/"] }), { message });
    assert.throws(() => plan({ Binds: ["/a:/x"], Tmpfs: { "/x": "" } }), { message });
    assert.throws(() => plan({ Binds: ["/a:/x"], Mounts: [{ Type: "volume", Target: "/x" }] }), { message });
  });

  it("add the image's volumes where nothing else is mounted", () => {
    const requests = planMountRequests(
      { Volumes: { "/a": {}, "/b": {}, "/c": {}, "/d": {} } },
      { Binds: ["/host:/a"], Tmpfs: { "/b": "size=1m" } },
      new Set(["/c"]),
    );
    assert.deepEqual(
      requests.map(({ type, destination }) => [type, destination]),
      [
        ["bind", "/a"],
        ["tmpfs", "/b"],
        ["volume", "/d"],
      ],
    );
  });

  it("read --volumes-from", () => {
    assert.deepEqual(readVolumesFrom("web"), { container: "web", readOnly: false });
    assert.deepEqual(readVolumesFrom("web:ro"), { container: "web", readOnly: true });
    assert.throws(() => readVolumesFrom("web:xx"), { message: "invalid mode: xx" });
  });
});

describe("a mount's place", () => {
  it("is never in /dev, /proc or /sys, by its name or by the image's links", () => {
    for (const place of ["/proc", "/proc/1", "/dev", "/dev/sda", "/sys/fs", "/sys/fs/cgroup/memory"]) {
      assert.throws(() => refuseMountTarget(place, place, false), { code: "UNSAFE_MOUNT" }, place);
    }
    assert.throws(() => refuseMountTarget("/data", "/proc/self", false), /leads to \/proc\/self, inside \/proc/);
  });

  it("may be /dev/shm, /dev/mqueue, the control groups, or what only looks alike", () => {
    for (const place of ["/sys/fs/cgroup", "/dev/shm", "/dev/mqueue", "/devices", "/procs/x", "/data/proc"]) {
      refuseMountTarget(place, place, false);
    }
  });

  it("may be in /dev and /sys, not in /proc, for a privileged container", () => {
    refuseMountTarget("/dev", "/dev", true);
    refuseMountTarget("/sys/fs", "/sys/fs", true);
    assert.throws(() => refuseMountTarget("/proc", "/proc", true), { code: "UNSAFE_MOUNT" });
  });
});
