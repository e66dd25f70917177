import { elsewhere, type Proofs, type Seen, stored } from "./proof.ts";

const types = (says: string) => elsewhere("e2e/mount-types.test.ts", says);

const bind = (more: object, script: string, is: string): Seen => ({
  asked: ({ folder }) => ({ HostConfig: { Mounts: [{ Type: "bind", Source: folder, Target: "/b", ...more }] } }),
  script,
  is,
});
const tmpfs = (TmpfsOptions: object, script: string, is: string): Seen => ({
  asked: { HostConfig: { Mounts: [{ Type: "tmpfs", Target: "/t", TmpfsOptions }] } },
  script,
  is,
});

export const MOUNTS: Record<string, Proofs> = {
  Mount: {
    Target: bind({}, "cat /b/in", "inside"),
    Source: bind({}, "cat /b/in", "inside"),
    Type: types("type=npipe"),
    ReadOnly: bind({ ReadOnly: true }, "touch /b/x 2>/dev/null || echo no", "no"),
    Consistency: stored("for macOS; Linux is always consistent"),
    BindOptions: types("bind-recursive"),
    VolumeOptions: types("volume-label"),
    ImageOptions: types("image-subpath"),
    TmpfsOptions: types("tmpfs-size"),
  },
  "Mount.BindOptions": {
    Propagation: types("bind-propagation"),
    NonRecursive: types("bind-recursive=disabled"),
    CreateMountpoint: {
      asked: ({ folder }) => ({
        HostConfig: {
          Mounts: [{ Type: "bind", Source: `${folder}/made`, Target: "/b", BindOptions: { CreateMountpoint: true } }],
        },
      }),
      script: "stat -c %F /b",
      is: "directory",
    },
    ReadOnlyNonRecursive: types("bind-recursive=writable"),
    ReadOnlyForceRecursive: types("bind-recursive=readonly"),
  },
  "Mount.VolumeOptions": {
    NoCopy: {
      asked: {
        HostConfig: { Mounts: [{ Type: "volume", Source: "props", Target: "/etc", VolumeOptions: { NoCopy: true } }] },
      },
      script: "ls /etc | grep -c passwd",
      is: "0",
    },
    Labels: types("volume-label"),
    DriverConfig: types("volume-opt"),
    Subpath: types("volume-subpath"),
  },
  "Mount.VolumeOptions.DriverConfig": {
    Name: {
      asked: {
        HostConfig: {
          Mounts: [
            { Type: "volume", Source: "props-no", Target: "/v", VolumeOptions: { DriverConfig: { Name: "nosuch" } } },
          ],
        },
      },
      refusal: /plugin "nosuch" not found/,
    },
    Options: types("volume-opt"),
  },
  "Mount.ImageOptions": { Subpath: types("image-subpath") },
  "Mount.TmpfsOptions": {
    SizeBytes: tmpfs({ SizeBytes: 1 << 20 }, "df -k /t | awk 'NR==2 {print $2}'", "1024"),
    Mode: tmpfs({ Mode: 0o1750 }, "stat -c %a /t", "1750"),
    Options: tmpfs({ Options: [["exec"]] }, "grep ' /t ' /proc/mounts | grep -c noexec", "0"),
  },
};
