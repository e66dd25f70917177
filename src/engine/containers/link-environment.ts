/** A container that another one is linked to, as its environment tells of it. */
export interface LinkedService {
  /** "/parent/alias" */
  name: string;
  address: string;
  /** Config.ExposedPorts' keys, "80/tcp". */
  ports: readonly string[];
  env: readonly string[];
}

interface Port {
  number: number;
  protocol: string;
}

/** Every image sets them, and they say nothing about a service. */
const UNTOLD = new Set(["HOME", "PATH"]);

const portOf = (key: string): Port => {
  const [number = "0", protocol = "tcp"] = key.split("/");
  return { number: Number(number), protocol };
};

/** By number; of two protocols on one number TCP comes first. */
const order = (a: Port, b: Port): number =>
  a.number - b.number || Number(b.protocol === "tcp") - Number(a.protocol === "tcp");

/** First and last of every three or more ports that follow on one another. */
function runsOf(ports: readonly Port[]): [Port, Port][] {
  const runs: [Port, Port][] = [];
  for (let at = 0; at < ports.length; ) {
    const from = ports[at] as Port;
    let last = at;
    while (last + 1 < ports.length && (ports[last + 1] as Port).number <= from.number + (last - at) + 1) last++;
    if (last > at + 1) {
      runs.push([from, ports[last] as Port]);
      at = last + 1;
    } else at++;
  }
  return runs;
}

/** The variables of one link, in Docker's names: ALIAS_PORT, ALIAS_PORT_80_TCP…, ALIAS_NAME, ALIAS_ENV_…. */
export function linkEnvironment(service: LinkedService): string[] {
  const alias = service.name.slice(service.name.lastIndexOf("/") + 1);
  const prefix = alias.toUpperCase().replaceAll("-", "_");
  const ports = service.ports.map(portOf).toSorted(order);
  const url = ({ protocol, number }: Port): string => `${protocol}://${service.address}:${number}`;
  const nameOf = ({ number, protocol }: Port): string => `${prefix}_PORT_${number}_${protocol.toUpperCase()}`;
  const [first] = ports;
  return [
    ...(first ? [`${prefix}_PORT=${url(first)}`] : []),
    ...runsOf(ports).flatMap(([from, to]) => {
      const end = nameOf({ number: from.number, protocol: to.protocol });
      return [
        `${nameOf(from)}_START=${url(from)}`,
        `${nameOf(from)}_PORT_START=${from.number}`,
        `${end}_END=${url(to)}`,
        `${end}_PORT_END=${to.number}`,
      ];
    }),
    ...ports.flatMap((port) => [
      `${nameOf(port)}=${url(port)}`,
      `${nameOf(port)}_ADDR=${service.address}`,
      `${nameOf(port)}_PORT=${port.number}`,
      `${nameOf(port)}_PROTO=${port.protocol}`,
    ]),
    `${prefix}_NAME=${service.name}`,
    ...service.env.flatMap((entry) => {
      const cut = entry.indexOf("=");
      return cut < 0 || UNTOLD.has(entry.slice(0, cut)) ? [] : [`${prefix}_ENV_${entry}`];
    }),
  ];
}
