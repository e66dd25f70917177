import assert from "node:assert/strict";
import { until } from "../../support/until.ts";
import { elsewhere, inspect, type Proofs, stored } from "./proof.ts";

const SECOND = 1e9;

export const CONTAINER_CONFIG: Proofs = {
  Hostname: {
    asked: { Hostname: "lift" },
    script: "hostname; cat /etc/hostname; tail -1 /etc/hosts | cut -f2",
    is: "lift\nlift\nlift",
  },
  Domainname: {
    asked: { Hostname: "lift", Domainname: "example.com" },
    script: "cat /proc/sys/kernel/domainname",
    is: "example.com",
  },
  User: { asked: { User: "1000:1001" }, script: "id -u; id -g", is: "1000\n1001" },
  AttachStdin: stored("tells how the creating client was attached; attach itself is asked for anew each time"),
  AttachStdout: stored("as AttachStdin"),
  AttachStderr: stored("as AttachStdin"),
  ExposedPorts: {
    asked: { ExposedPorts: { "77/tcp": {} } },
    look: async (id, world) => {
      assert.equal(await inspect(world, id, "{{json .NetworkSettings.Ports}}"), '{"77/tcp":null}');
    },
  },
  Tty: { asked: { Tty: true }, script: "test -t 1 && echo terminal; echo $TERM", is: "terminal\r\nxterm\r" },
  OpenStdin: elsewhere("e2e/containers.test.ts", "passes stdin through and ends it"),
  StdinOnce: elsewhere("e2e/containers.test.ts", "passes stdin through and ends it"),
  Env: { asked: { Env: ["A=b c", "HOSTNAME"] }, script: 'echo "$A"; env | grep -c ^HOSTNAME=', is: "b c\n0" },
  Cmd: { asked: { Cmd: ["echo", "by itself"] }, script: "", is: "by itself" },
  Healthcheck: {
    asked: { Healthcheck: { Test: ["CMD", "true"], Interval: 0.1 * SECOND } },
    look: async (id, world) => {
      await until(async () => (await inspect(world, id, "{{.State.Health.Status}}")) === "healthy", { what: "health" });
    },
  },
  ArgsEscaped: stored("for Windows"),
  Image: { asked: { Image: "busybox:latest" }, script: "busybox | head -1 | cut -d' ' -f1", is: "BusyBox" },
  Volumes: { asked: { Volumes: { "/anon": {} } }, script: "grep -c ' /anon ' /proc/mounts", is: "1" },
  WorkingDir: { asked: { WorkingDir: "/made/for/it" }, script: "pwd", is: "/made/for/it" },
  Entrypoint: { asked: { Entrypoint: ["echo", "first"], Cmd: ["second"] }, script: "", is: "first second" },
  NetworkDisabled: { asked: { NetworkDisabled: true }, script: "ls /sys/class/net", is: "lo" },
  MacAddress: {
    asked: { MacAddress: "02:42:0a:00:00:07" },
    script: "cat /sys/class/net/eth0/address",
    is: "02:42:0a:00:00:07",
  },
  OnBuild: elsewhere("e2e/build.test.ts", "ONBUILD"),
  Labels: {
    asked: { Labels: { shelf: "top" } },
    look: async (id, world) => {
      assert.equal(await world.engine.ok("ps", "-q", "--no-trunc", "--filter", "label=shelf=top"), id);
    },
  },
  StopSignal: {
    asked: { StopSignal: "SIGUSR1", Cmd: ["sh", "-c", 'trap "exit 9" USR1; while :; do sleep 0.05; done'] },
    look: async (id, world) => {
      await world.engine.ok("stop", id);
      assert.equal(await inspect(world, id, "{{.State.ExitCode}}"), "9");
    },
  },
  StopTimeout: {
    asked: { StopTimeout: 1, Cmd: ["sh", "-c", 'trap "" TERM; while :; do sleep 0.05; done'] },
    look: async (id, world) => {
      const began = performance.now();
      await world.engine.ok("stop", id);
      assert.ok(performance.now() - began < 8000);
      assert.equal(await inspect(world, id, "{{.State.ExitCode}}"), "137");
    },
  },
  Shell: {
    asked: { Shell: ["/bin/sh", "-ec"], Healthcheck: { Test: ["CMD-SHELL", "false; true"], Interval: 0.1 * SECOND } },
    look: async (id, world) => {
      await until(async () => (await inspect(world, id, "{{.State.Health.FailingStreak}}")) !== "0", {
        what: "a failure",
      });
    },
  },
};

export const HEALTH_CONFIG: Proofs = {
  Test: elsewhere("e2e/health.test.ts", "NONE"),
  Interval: elsewhere("e2e/health.test.ts", "--health-interval"),
  Timeout: elsewhere("e2e/health.test.ts", "--health-timeout"),
  Retries: elsewhere("e2e/health.test.ts", "--health-retries"),
  StartPeriod: elsewhere("e2e/health.test.ts", "--health-start-period"),
  StartInterval: elsewhere("e2e/health.test.ts", "--health-start-interval"),
};

const mac = "02:42:0a:00:00:08";
const endpoint = (settings: object) => ({
  HostConfig: { NetworkMode: "props" },
  NetworkingConfig: { EndpointsConfig: { props: settings } },
});
const reported = stored("the engine's to say: the create request's is ignored");

export const ENDPOINT_SETTINGS: Proofs = {
  IPAMConfig: {
    asked: endpoint({ IPAMConfig: { IPv4Address: "10.213.7.77" } }),
    script: "ip -4 addr show eth0 | grep -o 'inet [0-9.]*'",
    is: "inet 10.213.7.77",
  },
  Links: elsewhere("e2e/links.test.ts", "on a network of the user's"),
  MacAddress: { asked: endpoint({ MacAddress: mac }), script: "cat /sys/class/net/eth0/address", is: mac },
  Aliases: {
    asked: endpoint({ Aliases: ["desk"] }),
    look: async (id, world) => {
      assert.match(await inspect(world, id, "{{json .NetworkSettings.Networks.props.DNSNames}}"), /"desk"/);
    },
  },
  DriverOpts: {
    asked: endpoint({
      DriverOpts: {
        "com.docker.network.endpoint.ifname": "lan0",
        "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1",
      },
    }),
    script: "ls /sys/class/net; cat /proc/sys/net/ipv4/conf/lan0/log_martians",
    is: "lan0\nlo\n1",
  },
  GwPriority: {
    asked: {
      HostConfig: { NetworkMode: "bridge" },
      NetworkingConfig: { EndpointsConfig: { bridge: {}, props: { GwPriority: 1 } } },
    },
    script: "ip route | grep -o '^default via [0-9.]*'",
    is: "default via 10.213.7.1",
  },
  NetworkID: reported,
  EndpointID: reported,
  Gateway: reported,
  IPAddress: reported,
  IPPrefixLen: reported,
  IPv6Gateway: reported,
  GlobalIPv6Address: reported,
  GlobalIPv6PrefixLen: reported,
  DNSNames: reported,
};

export const IPAM_CONFIG: Proofs = {
  IPv4Address: ENDPOINT_SETTINGS["IPAMConfig"]!,
  IPv6Address: stored("networks have no IPv6 yet"),
  LinkLocalIPs: {
    asked: endpoint({ IPAMConfig: { LinkLocalIPs: ["169.254.7.7"] } }),
    script: "ip -4 addr show eth0 | grep -o 'inet 169[0-9./]*'",
    is: "inet 169.254.7.7/16",
  },
};
