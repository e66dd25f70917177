import type {
  ExplainedNamespace,
  ExplainedProcess,
  NamespacesSection,
  ProcessesSection,
} from "../../base/explanation.ts";
import type { Credentials, ProcessView } from "../../ports/kernel-view.ts";
import { byHand } from "./words.ts";

/** The group's processes as a tree's rows: parents before their children. Pure. */
export function explainProcesses(processes: readonly ProcessView[], init: number, total: number): ProcessesSection {
  const own = new Set(processes.map(({ pid }) => pid));
  const list: ExplainedProcess[] = [];
  const add = (process: ProcessView): void => {
    const role = process.pid === init ? "init" : own.has(process.parent) ? "child" : "entered";
    list.push({ ...process, role });
    for (const child of processes) if (child.parent === process.pid) add(child);
  };
  const roots = processes.filter(({ parent }) => !own.has(parent));
  for (const root of roots.toSorted((a, b) => Number(b.pid === init) - Number(a.pid === init))) add(root);
  return {
    list,
    total,
    byHand: [
      byHand(
        `ps -o pid,ppid,user,stat,args -p ${list
          .slice(0, 8)
          .map(({ pid }) => pid)
          .join(",")}`,
        "the same processes, seen from the host",
      ),
      byHand(`grep NSpid /proc/${init}/status`, "one process, its pid in each namespace from outside in"),
      byHand(`nsenter -t ${init} -p -m ls /proc`, "pids as the container sees them (needs ls in it)"),
    ],
  };
}

/** What each kind keeps apart. */
const ISOLATES: Readonly<Record<string, string>> = {
  cgroup: "which control group looks like the root",
  ipc: "shared memory, message queues, semaphores",
  mnt: "the tree of mounts: its own / and /proc",
  net: "links, addresses, routes, ports, firewall",
  pid: "process numbers: its own process 1",
  time: "the clocks since boot",
  user: "users and groups, and what root may do",
  uts: "host name and domain name",
};

/** Namespaces of process 1, and who else is in them. Pure. */
export function explainNamespaces(facts: {
  pid: number;
  own: Readonly<Record<string, number>>;
  host: Readonly<Record<string, number>>;
  others: readonly { name: string; namespaces: Readonly<Record<string, number>> }[];
  credentials: Pick<Credentials, "uidMap" | "gidMap">;
}): NamespacesSection {
  const { pid, own, host, others, credentials } = facts;
  const list = Object.entries(own).map(
    ([type, inode]): ExplainedNamespace => ({
      type,
      inode,
      isolates: ISOLATES[type] ?? "",
      host: host[type] === inode,
      sharedWith: others.filter(({ namespaces }) => namespaces[type] === inode).map(({ name }) => name),
    }),
  );
  return {
    list,
    uidMap: credentials.uidMap,
    gidMap: credentials.gidMap,
    byHand: [
      byHand(`lsns -p ${pid}`, "the same table; a COMMAND that is not the container's tells of sharing"),
      byHand(
        `readlink /proc/${pid}/ns/net /proc/self/ns/net`,
        "two processes share a namespace when the numbers agree",
      ),
      byHand(`cat /proc/${pid}/uid_map`, "user inside, user outside, how many"),
      byHand(`nsenter -t ${pid} -u hostname`, "enters one namespace, for one command of the host's"),
    ],
  };
}
