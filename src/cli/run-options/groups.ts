const names = (text: string): readonly string[] => text.split(" ");

/** The options of `run` and `create` by what they are about, for the help. What is in none comes first. */
export const createGroups: Readonly<Record<string, readonly string[]>> = {
  "Network Options": names(
    "add-host dns dns-option dns-search domainname expose hostname ip ip6 link link-local-ip mac-address network " +
      "network-alias publish publish-all",
  ),
  "Storage Options": names(
    "mount read-only shm-size storage-opt tmpfs use-api-socket volume volume-driver volumes-from",
  ),
  "Resource Options": names(
    "blkio-weight blkio-weight-device cgroup-parent cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period " +
      "cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems device device-cgroup-rule device-read-bps " +
      "device-read-iops device-write-bps device-write-iops gpus io-maxbandwidth io-maxiops kernel-memory memory " +
      "memory-reservation memory-swap memory-swappiness oom-kill-disable oom-score-adj pids-limit ulimit",
  ),
  "Security and Namespace Options": names(
    "cap-add cap-drop cgroupns group-add ipc isolation pid privileged security-opt sysctl user userns uts",
  ),
  "Health and Life Options": names(
    "health-cmd health-interval health-retries health-start-interval health-start-period health-timeout init " +
      "no-healthcheck restart rm stop-signal stop-timeout",
  ),
};
