import assert from "node:assert/strict";
import type { ContainerExplanation } from "../../src/wire/types/explain.ts";
import { type Ran, run } from "./engine.ts";

const ATTEMPTS = 5;

/** lsns looks at every process of the machine, and gives up without a word when one of them ends meanwhile. */
export async function steadily(file: string, args: string[], env?: NodeJS.ProcessEnv): Promise<Ran> {
  for (let attempt = 1; ; attempt++) {
    const ran = await run(file, args, { env });
    const unlucky = ran.code !== 0 && ran.stderr === "" && [file, ...args].some((word) => word.startsWith("lsns"));
    if (!unlucky || attempt === ATTEMPTS) return ran;
  }
}

async function ask(command: string, ...args: string[]): Promise<string> {
  const ran = await steadily(command, args);
  assert.equal(ran.code, 0, `${command} ${args.join(" ")}: ${ran.stderr}`);
  return ran.stdout;
}

const json = async <T>(command: string, ...args: string[]): Promise<T> => JSON.parse(await ask(command, ...args)) as T;

const sorted = (words: string[]): string[] => words.toSorted();

interface Links {
  ifindex: number;
  ifname: string;
  address: string;
  mtu: number;
  flags: string[];
  master?: string;
  linkinfo?: { info_kind?: string };
  addr_info: { local: string; prefixlen: number }[];
}

const inode = async (pid: number | "self", type: string): Promise<string> =>
  (await ask("readlink", `/proc/${pid}/ns/${type}`)).trim();

/** Holds an explanation of a running container against what the tools that everybody has say of it. */
export async function agreesWithTools(doc: ContainerExplanation): Promise<void> {
  const pid = doc.overview.pid;
  assert.ok(pid !== undefined && doc.running, `${doc.name} runs`);
  await namespacesAgree(doc, pid);
  await capabilitiesAgree(doc, pid);
  await mountsAgree(doc, pid);
  await linksAgree(doc, pid);
  await routesAgree(doc, pid);
  await rulesAgree(doc);
  const seen = (file: string): Promise<string> => ask("cat", `/proc/${pid}/root/etc/${file}`);
  const servers = [...(await seen("resolv.conf")).matchAll(/^nameserver (\S+)/gm)].map(([, address]) => address);
  assert.deepEqual(doc.network?.dns.nameservers, servers);
  for (const line of doc.network?.dns.hosts ?? []) assert.ok((await seen("hosts")).includes(line));
}

async function namespacesAgree(doc: ContainerExplanation, pid: number): Promise<void> {
  const { namespaces } = await json<{ namespaces: { ns: number; type: string }[] }>(
    ...(["lsns", "-J", "-p", String(pid)] as const),
  );
  const told = doc.namespaces?.list ?? [];
  assert.deepEqual(
    sorted(told.map((row) => `${row.type} ${row.inode}`)),
    sorted(namespaces.map((row) => `${row.type} ${row.ns}`)),
  );
  for (const { type, host } of told) assert.equal(host, (await inode(pid, type)) === (await inode("self", type)), type);
}

async function capabilitiesAgree(doc: ContainerExplanation, pid: number): Promise<void> {
  const status = await ask("cat", `/proc/${pid}/status`);
  const sets = { bounding: "Bnd", permitted: "Prm", effective: "Eff", inheritable: "Inh", ambient: "Amb" } as const;
  for (const [set, short] of Object.entries(sets)) {
    const mask = new RegExp(`^Cap${short}:\\s*(\\w+)`, "m").exec(status)?.[1] ?? "";
    const decoded = (await ask("capsh", `--decode=${mask}`)).trim().split("=")[1] ?? "";
    const told = (doc.capabilities?.list ?? []).filter(({ sets: held }) => held.some((name) => name === set));
    assert.deepEqual(
      sorted(told.map(({ name }) => name.toLowerCase())),
      sorted(decoded.split(",").filter(Boolean)),
      `${doc.name}: ${set}`,
    );
  }
  assert.equal(doc.security?.noNewPrivileges, /^NoNewPrivs:\s*1/m.test(status));
  assert.equal(doc.security?.seccomp.mode === "filter", /^Seccomp:\s*2/m.test(status));
}

async function mountsAgree(doc: ContainerExplanation, pid: number): Promise<void> {
  const columns = "TARGET,FSTYPE,FSROOT,VFS-OPTIONS";
  const { filesystems } = await json<{
    filesystems: { target: string; fstype: string; fsroot: string; "vfs-options": string }[];
  }>("findmnt", "-J", "-l", "-N", String(pid), "-o", columns);
  assert.deepEqual(
    sorted((doc.files?.mounts ?? []).map((row) => `${row.target} ${row.type} ${row.root} ${row.options}`)),
    sorted(filesystems.map((row) => `${row.target} ${row.fstype} ${row.fsroot} ${row["vfs-options"]}`)),
  );
}

async function linksAgree(doc: ContainerExplanation, pid: number): Promise<void> {
  // on the host others' cables and bridges come and go
  const onHost = doc.network?.namespace === "host";
  const here = (kind: string | undefined): boolean => !onHost || kind === undefined || kind === "";
  const all = await json<Links[]>("nsenter", "-t", String(pid), "-n", "ip", "-j", "-d", "addr");
  const inside = all.filter(({ linkinfo }) => here(linkinfo?.info_kind));
  const told = (doc.network?.links ?? []).filter(({ kind }) => here(kind));
  const shown = (
    name: string,
    index: number,
    mtu: number,
    up: boolean,
    mac: string,
    kind: string,
    addresses: string[],
  ) => `${index} ${name} ${kind} ${mtu} ${up} ${mac} ${sorted(addresses).join(" ")}`;
  assert.deepEqual(
    sorted(told.map((row) => shown(row.name, row.index, row.mtu, row.up, row.mac, row.kind, row.addresses))),
    sorted(
      inside.map((row) =>
        shown(
          row.ifname,
          row.ifindex,
          row.mtu,
          row.flags.includes("UP"),
          row.address ?? "",
          row.linkinfo?.info_kind ?? "",
          row.addr_info.map((info) => `${info.local}/${info.prefixlen}`),
        ),
      ),
    ),
  );
  for (const { host } of told) {
    if (host === undefined) continue;
    const [end] = await json<Links[]>("ip", "-j", "addr", "show", host.name);
    assert.equal(end?.ifindex, host.index);
    assert.equal(end?.master, host.bridge);
  }
}

interface Route {
  dst: string;
  gateway?: string;
  dev: string;
}

async function routesAgree(doc: ContainerExplanation, pid: number): Promise<void> {
  const enter = ["nsenter", "-t", String(pid), "-n", "ip", "-j"] as const;
  const [four, six] = [await json<Route[]>(...enter, "-4", "route"), await json<Route[]>(...enter, "-6", "route")];
  const links = new Set((doc.network?.links ?? []).filter(({ kind }) => kind === "").map(({ name }) => name));
  const stays = (link: string): boolean => doc.network?.namespace !== "host" || links.has(link);
  const whole = (dst: string, bits: number): string =>
    dst === "default" || dst.includes("/") ? dst : `${dst}/${bits}`;
  const line = (bits: number) => (row: Route) => `${whole(row.dst, bits)} ${row.gateway ?? ""} ${row.dev}`;
  const held = ({ dev }: Route): boolean => stays(dev);
  assert.deepEqual(
    sorted(
      (doc.network?.routes ?? []).filter(({ link }) => stays(link)).map((row) => `${row.to} ${row.via} ${row.link}`),
    ),
    sorted([...four.filter(held).map(line(32)), ...six.filter(held).map(line(128))]),
  );
}

/** Maps for every address of the host have no address in their keys. */
const ANY_ADDRESS: Record<string, string[]> = { published_any: ["0.0.0.0"], published6_any: ["::"] };

type Concat = { concat: (string | number)[] };

async function rulesAgree(doc: ContainerExplanation): Promise<void> {
  const firewall = doc.network?.firewall;
  if (firewall === undefined) return;
  const { nftables } = await json<{
    nftables: { rule?: { chain: string; handle: number }; map?: { name: string; elem?: [Concat, Concat][] } }[];
  }>("nft", "-j", "-a", "list", "table", "inet", firewall.table);
  const held = new Set(nftables.flatMap(({ rule }) => (rule ? [`${rule.chain} ${rule.handle}`] : [])));
  for (const { chain, handle } of firewall.rules) assert.ok(held.has(`${chain} ${handle}`), `${chain} ${handle}`);
  const own = new Set((doc.network?.links ?? []).flatMap(({ addresses }) => addresses.map((a) => a.split("/")[0])));
  const published = nftables
    .flatMap(({ map }) =>
      (map?.elem ?? []).map(([key, value]) => ({ name: map?.name, key: key.concat, to: value.concat })),
    )
    .filter(({ to }) => own.has(String(to[0])))
    .map(({ name, key, to }) => [...(ANY_ADDRESS[name ?? ""] ?? []), ...key, ...to].join(" "));
  assert.deepEqual(
    sorted(firewall.ports.map((p) => `${p.hostAddress} ${p.protocol} ${p.hostPort} ${p.address} ${p.port}`)),
    sorted(published),
  );
}
