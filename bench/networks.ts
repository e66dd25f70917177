import { spawn } from "node:child_process";
import { once } from "node:events";
import { GANTRY } from "./gantry.ts";
import { inTurns, type Measured, measured, took } from "./measure.ts";
import { docker, run, type Side } from "./side.ts";
import { type Neighbour, neighbourOf } from "./wires.ts";

/** Ports that are published one after the other, and how many of the first and last are compared. */
const PORTS = 500;
const SHARE = 50;
const SECONDS = "2";
const TOP = 64;

export async function networks(sides: Side[]): Promise<Measured[]> {
  const neighbours: Neighbour[] = [];
  try {
    for (const [at, side] of sides.entries()) neighbours.push(await neighbourOf(side, at + 1));
    return [...(await firstPacket(neighbours)), ...(await joins(sides)), ...(await throughput(neighbours))];
  } finally {
    for (const neighbour of neighbours) neighbour.stop();
  }
}

const of = (neighbours: Neighbour[], side: Side): Neighbour => neighbours.find((one) => one.side === side)!;

async function firstPacket(neighbours: Neighbour[]): Promise<Measured[]> {
  const samples = await inTurns(
    neighbours.map(({ side }) => side),
    10,
    async (side, round) => {
      const port = 7000 + round + TOP;
      const serve = [
        "run",
        "-d",
        "--name",
        "serves",
        "-p",
        `${port}:80`,
        "busybox",
        "nc",
        "-ll",
        "-p",
        "80",
        "-e",
        "date",
      ];
      const ms = await took(() => Promise.all([docker(side, serve), of(neighbours, side).answered(port)]));
      await docker(side, ["rm", "-f", "serves"]);
      return ms;
    },
  );
  return [measured("run -d -p until the first byte comes back", "ms", samples)];
}

async function joins(sides: Side[]): Promise<Measured[]> {
  for (const side of sides) await docker(side, ["run", "-d", "--name", "joins", "busybox", "sleep", "3600"]);
  const samples = await inTurns(sides, 10, (side) =>
    took(async () => {
      await docker(side, ["network", "create", "joined"]);
      await docker(side, ["network", "connect", "joined", "joins"]);
      await docker(side, ["network", "disconnect", "joined", "joins"]);
      await docker(side, ["network", "rm", "joined"]);
    }),
  );
  for (const side of sides) await docker(side, ["rm", "-f", "joins"]);
  return [measured("network create, connect, disconnect, rm", "ms", samples)];
}

/** By iperf3 in the containers' network namespaces. */
async function throughput(neighbours: Neighbour[]): Promise<Measured[]> {
  const sides = neighbours.map(({ side }) => side);
  for (const [at, side] of sides.entries()) {
    const subnets = ["--subnet", `10.248.${100 + at}.0/24`, "--ipv6", "--subnet", `fd00:be:${at}::/64`];
    await docker(side, ["network", "create", ...subnets, "both"]);
    const sleep = ["busybox", "sleep", "3600"];
    await docker(side, ["run", "-d", "--name", "takes", "--network", "both", "-p", "5201:5201", ...sleep]);
    await docker(side, ["run", "-d", "--name", "gives", "--network", "both", ...sleep]);
  }
  const field = (side: Side, name: string, of: string): Promise<string> =>
    docker(side, ["inspect", "-f", `{{${of}}}`, name]);
  const within = async (side: Side, name: string): Promise<string[]> => [
    "nsenter",
    `--net=/proc/${await field(side, name, ".State.Pid")}/ns/net`,
  ];
  const rate = async (side: Side, from: string[], to: string): Promise<number> => {
    const [enter, namespace] = (await within(side, "takes")) as [string, string];
    const server = spawn(enter, [namespace, "iperf3", "-s", "-1", "--forceflush"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const over = once(server, "exit");
    await once(server.stdout, "data");
    const words = [...from.slice(1), "iperf3", "-c", to, "-t", SECONDS, "-J"];
    const report = JSON.parse(await run(from[0]!, words)) as { end: { sum_received: { bits_per_second: number } } };
    await over;
    return report.end.sum_received.bits_per_second / 1e9;
  };
  const ways: [string, (side: Side) => Promise<number>][] = [
    [
      "container to container",
      async (side) =>
        rate(side, await within(side, "gives"), await field(side, "takes", ".NetworkSettings.Networks.both.IPAddress")),
    ],
    [
      "container to container, IPv6",
      async (side) => {
        const address = await field(side, "takes", ".NetworkSettings.Networks.both.GlobalIPv6Address");
        return rate(side, await within(side, "gives"), address);
      },
    ],
    [
      "published port, from the host",
      (side) => rate(side, ["nsenter", `--net=${side.netns}`], of(neighbours, side).host),
    ],
    ["published port, from a neighbour", (side) => rate(side, of(neighbours, side).on, of(neighbours, side).host)],
  ];
  const results: Measured[] = [];
  for (const [name, way] of ways) {
    results.push(measured(name, "Gbit/s", await inTurns(sides, 5, way), { least: 0.98 }));
  }
  for (const side of sides) {
    await docker(side, ["rm", "-f", "takes", "gives"]);
    await docker(side, ["network", "rm", "both"]);
  }
  return results;
}

/** Port by port, each with a container of its own; then all on one that runs, for which dockerd has no command. */
export async function manyPorts(sides: Side[]): Promise<Measured[]> {
  const each: Measured["samples"] = { dockerd: [], gantryd: [] };
  for (const side of sides) {
    for (let n = 0; n < PORTS; n++) {
      const args = ["run", "-d", "-p", `${10_000 + n}:80`, "busybox", "sleep", "3600"];
      each[side.name].push(await took(() => docker(side, args)));
    }
    await docker(side, ["rm", "-f", ...(await docker(side, ["ps", "-q"])).split("\n")], { timeout: 300_000 });
  }
  const cut = (from: number, to?: number): Measured["samples"] => ({
    dockerd: each.dockerd.slice(from, to),
    gantryd: each.gantryd.slice(from, to),
  });
  const live = await livePorts(sides.find(({ name }) => name === "gantryd")!);
  return [
    measured(`run -d -p, the first ${SHARE} of ${PORTS}`, "ms", cut(0, SHARE)),
    measured(`run -d -p, the last ${SHARE}`, "ms", cut(-SHARE)),
    measured(`gantry port add, the first ${SHARE} of ${PORTS}`, "ms", { dockerd: [], gantryd: live.slice(0, SHARE) }),
    measured(`gantry port add, the last ${SHARE}`, "ms", { dockerd: [], gantryd: live.slice(-SHARE) }),
  ];
}

async function livePorts(side: Side): Promise<number[]> {
  const gantry = (args: string[]): Promise<string> => run(GANTRY, args, { env: side.env });
  await docker(side, ["run", "-d", "--name", "lives", "busybox", "sleep", "3600"]);
  const times: number[] = [];
  for (let n = 0; n < PORTS; n++) times.push(await took(() => gantry(["port", "add", "lives", `${10_000 + n}:80`])));
  await docker(side, ["rm", "-f", "lives"]);
  return times;
}
