import type { Command } from "./command.ts";

export interface CommandEntry {
  /** All ways to call it; the short form first. */
  names: string[];
  summary: string;
  /** Listed first in the help. */
  common?: boolean;
  /** For other programs: not in the help's lists. */
  hidden?: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: each command has a flag table of its own type
  load(): Promise<{ default: Command<any> }>;
}

export interface Group {
  name: string;
  summary: string;
}

export const groups: Group[] = [
  { name: "builder", summary: "Manage builds" },
  { name: "checkpoint", summary: "Manage checkpoints" },
  { name: "container", summary: "Manage containers" },
  { name: "context", summary: "Manage contexts" },
  { name: "image", summary: "Manage images" },
  { name: "network", summary: "Manage networks" },
  { name: "snapshot", summary: "Manage snapshots of containers" },
  { name: "system", summary: "Manage the engine" },
  { name: "volume", summary: "Manage volumes" },
];

const entry = (names: string, summary: string, load: CommandEntry["load"], common = false): CommandEntry => ({
  names: names.split(", "),
  summary,
  load,
  common,
});

/** Every command, and the file that runs it: one is loaded only when it is called. */
export const entries: CommandEntry[] = [
  entry("run, container run", "Create and run a new container from an image", () => import("./commands/run.ts"), true),
  entry("exec, container exec", "Execute a command in a running container", () => import("./commands/exec.ts"), true),
  entry("ps, container ls, container list, container ps", "List containers", () => import("./commands/ps.ts"), true),
  entry(
    "build, image build, builder build",
    "Build an image from a Dockerfile",
    () => import("./commands/build.ts"),
    true,
  ),
  entry("pull, image pull", "Download an image from a registry", () => import("./commands/pull.ts"), true),
  entry("push, image push", "Upload an image to a registry", () => import("./commands/push.ts"), true),
  entry("images, image ls, image list", "List images", () => import("./commands/images.ts"), true),
  entry("login", "Authenticate to a registry", () => import("./commands/login.ts"), true),
  entry("logout", "Log out from a registry", () => import("./commands/logout.ts"), true),
  entry("search", "Search Docker Hub for images", () => import("./commands/search.ts"), true),
  entry("version", "Show the version of client and engine", () => import("./commands/version.ts"), true),
  entry("info, system info", "Display system-wide information", () => import("./commands/info.ts"), true),

  entry(
    "attach, container attach",
    "Attach local standard input, output, and error streams to a running container",
    () => import("./commands/attach.ts"),
  ),
  entry(
    "commit, container commit",
    "Create a new image from a container's changes",
    () => import("./commands/commit.ts"),
  ),
  entry(
    "cp, container cp",
    "Copy files/folders between a container and the local filesystem",
    () => import("./commands/cp.ts"),
  ),
  entry("completion", "Print a shell's completion script", () => import("./commands/completion.ts")),
  entry("create, container create", "Create a new container", () => import("./commands/create.ts")),
  entry(
    "diff, container diff",
    "Inspect changes to files or directories on a container's filesystem",
    () => import("./commands/diff.ts"),
  ),
  entry("events, system events", "Get real time events from the server", () => import("./commands/events.ts")),
  entry(
    "explain",
    "Show what a container, image or network is in the kernel, and why a container ended",
    () => import("./commands/explain.ts"),
  ),
  entry(
    "export, container export",
    "Export a container's filesystem as a tar archive",
    () => import("./commands/export.ts"),
  ),
  entry("history, image history", "Show the history of an image", () => import("./commands/history.ts")),
  entry(
    "import, image import",
    "Import the contents from a tarball to create a filesystem image",
    () => import("./commands/import.ts"),
  ),
  entry(
    "inspect",
    "Return low-level information on containers, images, networks and volumes",
    () => import("./commands/inspect.ts"),
  ),
  entry("kill, container kill", "Kill one or more running containers", () => import("./commands/kill.ts")),
  entry("load, image load", "Load an image from a tar archive or STDIN", () => import("./commands/load.ts")),
  entry("logs, container logs", "Fetch the logs of a container", () => import("./commands/logs.ts")),
  entry(
    "pause, container pause",
    "Pause all processes within one or more containers",
    () => import("./commands/pause.ts"),
  ),
  entry(
    "port, container port",
    "List port mappings or a specific mapping for the container",
    () => import("./commands/port.ts"),
  ),
  entry("port add, container port add", "Publish ports of a container", () => import("./commands/port-add.ts")),
  entry(
    "port rm, port remove, container port rm, container port remove",
    "Give up published ports of a container",
    () => import("./commands/port-rm.ts"),
  ),
  entry("rename, container rename", "Rename a container", () => import("./commands/rename.ts")),
  entry("restart, container restart", "Restart one or more containers", () => import("./commands/restart.ts")),
  entry("rm, container rm, container remove", "Remove one or more containers", () => import("./commands/rm.ts")),
  entry("rmi, image rm, image remove", "Remove one or more images", () => import("./commands/rmi.ts")),
  entry(
    "save, image save",
    "Save one or more images to a tar archive (streamed to STDOUT by default)",
    () => import("./commands/save.ts"),
  ),
  entry("start, container start", "Start one or more stopped containers", () => import("./commands/start.ts")),
  entry(
    "stats, container stats",
    "Display a live stream of container(s) resource usage statistics",
    () => import("./commands/stats.ts"),
  ),
  entry("stop, container stop", "Stop one or more running containers", () => import("./commands/stop.ts")),
  entry("tag, image tag", "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE", () => import("./commands/tag.ts")),
  entry("top, container top", "Display the running processes of a container", () => import("./commands/top.ts")),
  entry(
    "unpause, container unpause",
    "Unpause all processes within one or more containers",
    () => import("./commands/unpause.ts"),
  ),
  entry(
    "update, container update",
    "Update configuration of one or more containers",
    () => import("./commands/update.ts"),
  ),
  entry(
    "wait, container wait",
    "Block until one or more containers stop, then print their exit codes",
    () => import("./commands/wait.ts"),
  ),

  entry(
    "container inspect",
    "Display detailed information on one or more containers",
    () => import("./commands/container-inspect.ts"),
  ),
  entry("container prune", "Remove all stopped containers", () => import("./commands/container-prune.ts")),
  entry(
    "image inspect",
    "Display detailed information on one or more images",
    () => import("./commands/image-inspect.ts"),
  ),
  entry("image prune", "Remove unused images", () => import("./commands/image-prune.ts")),
  entry(
    "image bootstrap",
    "Make a base image without a registry: busybox or debian:SUITE",
    () => import("./commands/image-bootstrap.ts"),
  ),
  entry("network connect", "Connect a container to a network", () => import("./commands/network-connect.ts")),
  entry("network create", "Create a network", () => import("./commands/network-create.ts")),
  entry(
    "network disconnect",
    "Disconnect a container from a network",
    () => import("./commands/network-disconnect.ts"),
  ),
  entry(
    "network inspect",
    "Display detailed information on one or more networks",
    () => import("./commands/network-inspect.ts"),
  ),
  entry(
    "checkpoint create",
    "Create a checkpoint from a running container",
    () => import("./commands/checkpoint-create.ts"),
  ),
  entry(
    "checkpoint ls, checkpoint list",
    "List checkpoints for a container",
    () => import("./commands/checkpoint-ls.ts"),
  ),
  entry("checkpoint rm, checkpoint remove", "Remove a checkpoint", () => import("./commands/checkpoint-rm.ts")),
  entry("network ls, network list", "List networks", () => import("./commands/network-ls.ts")),
  entry("network prune", "Remove all unused networks", () => import("./commands/network-prune.ts")),
  entry("network rm, network remove", "Remove one or more networks", () => import("./commands/network-rm.ts")),
  entry(
    "network shape",
    "Make the network slow, narrow or lossy for a container",
    () => import("./commands/network-shape.ts"),
  ),
  entry(
    "snapshot inspect",
    "Display detailed information on a container's snapshot",
    () => import("./commands/snapshot-inspect.ts"),
  ),
  entry("snapshot ls, snapshot list", "List snapshots", () => import("./commands/snapshot-ls.ts")),
  entry(
    "snapshot restore",
    "Put a container's files and volumes back to a snapshot",
    () => import("./commands/snapshot-restore.ts"),
  ),
  entry("snapshot rm, snapshot remove", "Remove snapshots of a container", () => import("./commands/snapshot-rm.ts")),
  entry(
    "snapshot save",
    "Keep what a container has in its files and volumes",
    () => import("./commands/snapshot-save.ts"),
  ),
  entry("volume clone", "Create a volume with the contents of another", () => import("./commands/volume-clone.ts")),
  entry("volume create", "Create a volume", () => import("./commands/volume-create.ts")),
  entry("volume export", "Export a volume's contents as a tar archive", () => import("./commands/volume-export.ts")),
  entry("volume import", "Fill a volume from a tar archive", () => import("./commands/volume-import.ts")),
  entry(
    "volume inspect",
    "Display detailed information on one or more volumes",
    () => import("./commands/volume-inspect.ts"),
  ),
  entry("volume ls, volume list", "List volumes", () => import("./commands/volume-ls.ts")),
  entry("volume prune", "Remove unused local volumes", () => import("./commands/volume-prune.ts")),
  entry("volume rename", "Rename a volume", () => import("./commands/volume-rename.ts")),
  entry("volume rm, volume remove", "Remove one or more volumes", () => import("./commands/volume-rm.ts")),
  entry("system df", "Show disk usage", () => import("./commands/system-df.ts")),
  entry("system prune", "Remove unused data", () => import("./commands/system-prune.ts")),
  entry("builder prune", "Remove build cache", () => import("./commands/builder-prune.ts")),
  entry("context create", "Create a context", () => import("./commands/context-create.ts")),
  entry(
    "context export",
    "Export a context to a tar archive FILE or a tar stream on STDOUT.",
    () => import("./commands/context-export.ts"),
  ),
  entry("context import", "Import a context from a tar or zip file", () => import("./commands/context-import.ts")),
  entry(
    "context inspect",
    "Display detailed information on one or more contexts",
    () => import("./commands/context-inspect.ts"),
  ),
  entry("context ls, context list", "List contexts", () => import("./commands/context-ls.ts")),
  entry("context rm, context remove", "Remove one or more contexts", () => import("./commands/context-rm.ts")),
  entry("context show", "Print the name of the current context", () => import("./commands/context-show.ts")),
  entry("context update", "Update a context", () => import("./commands/context-update.ts")),
  entry("context use", "Set the current docker context", () => import("./commands/context-use.ts")),
  {
    ...entry(
      "system dial-stdio",
      "Proxy the stdio stream to the daemon connection",
      () => import("./commands/system-dial-stdio.ts"),
    ),
    hidden: true,
  },
];

/** The command that a line begins with, of as many words as there is one for, and what follows it. */
export function commandAt(words: readonly string[]): { entry: CommandEntry; path: string; rest: string[] } | undefined {
  for (let length = Math.min(words.length, 3); length > 0; length -= 1) {
    const path = words.slice(0, length).join(" ");
    const found = entries.find(({ names }) => names.includes(path));
    if (found !== undefined) return { entry: found, path, rest: words.slice(length) };
  }
  return undefined;
}
