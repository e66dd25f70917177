import dns from "node:dns/promises";
import fs from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { errnoOf, GantryError } from "../../base/errors.ts";
import type { GitRepositories, GitRequest } from "../../ports/build-files.ts";
import { spawn } from "../process/run.ts";
import { follow, isLinkLocal, unavailable } from "./follow.ts";

/** Submodules inside of submodules. */
const DEEPEST = 8;
const FULL_COMMIT = /^[0-9a-f]{40,64}$/;
/** Nothing of this machine's own set-up, no hooks, no helpers, no questions; a server that says nothing is given up. */
const SETTINGS = {
  "core.hooksPath": "/dev/null",
  "core.fsmonitor": "false",
  "credential.helper": "",
  "http.followRedirects": "false",
  "http.lowSpeedLimit": "1",
  "http.lowSpeedTime": "60",
  "init.defaultBranch": "main",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "advice.detachedHead": "false",
  "fetch.recurseSubmodules": "false",
};
const ENVIRONMENT = {
  PATH: process.env["PATH"],
  LC_ALL: "C",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "/bin/false",
  GIT_ALLOW_PROTOCOL: "http:https:git",
};

/** Where a repository is, once redirects are followed. */
interface Place {
  url: string;
  /** Settings that tie its name to the address that was checked. */
  settings: Record<string, string>;
  /** It is on this machine, asked for as such. */
  local: boolean;
}

/** Repositories fetched by the program git. */
export class HostGit implements GitRepositories {
  async checkout(request: GitRequest, folder: string): Promise<{ commit: string }> {
    const commit = await new Checkout(request, folder).fetch();
    return { commit };
  }
}

class Checkout {
  private readonly request: GitRequest;
  private readonly folder: string;
  private readonly local: boolean;
  private readonly depth: number;

  constructor(
    request: GitRequest,
    folder: string,
    inside: { local: boolean; depth: number } = { local: true, depth: 0 },
  ) {
    this.request = request;
    this.folder = folder;
    this.local = inside.local;
    this.depth = inside.depth;
  }

  /** The files of the commit, which it gives. */
  async fetch(): Promise<string> {
    const place = await placeOf(this.request.url, this.local, this.request.signal);
    await this.git(["init", "--quiet"]);
    await this.git(["remote", "add", "origin", withoutPassword(this.request.url)]);
    const found = await this.find(place);
    await this.git(["checkout", "--quiet", "--detach", found]);
    const commit = await this.git(["rev-parse", "HEAD"]);
    if (this.request.submodules) await this.submodules(place.local);
    if (!this.request.keepGitDir) await fs.promises.rm(path.join(this.folder, ".git"), { recursive: true });
    return commit;
  }

  /** Fetches what is wanted, as little else as the server allows; its name here. */
  private async find({ url: source, settings }: Place): Promise<string> {
    const { ref = "HEAD", url } = this.request;
    const tries = [["--depth=1", "--no-tags", source, ref]];
    if (!FULL_COMMIT.test(ref)) tries.push(["--no-tags", source, ref]);
    tries.push(["--tags", source, "+refs/heads/*:refs/remotes/origin/*"]);
    let failure: unknown;
    for (const [index, what] of tries.entries()) {
      try {
        await this.git(["fetch", "--quiet", ...what], settings);
        if (index < tries.length - 1) return "FETCH_HEAD";
        return await this.git(["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`]);
      } catch (error) {
        if (!(error instanceof GantryError) || error.code !== "GIT_FAILED") throw error;
        failure ??= error;
      }
    }
    throw unavailable(
      `failed to fetch ${ref} of ${withoutPassword(url)}: ${failure instanceof Error ? failure.message : ""}`,
      failure,
    );
  }

  private async submodules(local: boolean): Promise<void> {
    if (!fs.existsSync(path.join(this.folder, ".gitmodules"))) return;
    if (this.depth >= DEEPEST) throw failed(`submodules are nested more than ${DEEPEST} deep`);
    await this.git(["submodule", "--quiet", "init"]);
    const listed = await this.git(["ls-files", "--stage", "-z"]);
    for (const [, ref = "", where = ""] of listed.matchAll(/160000 ([0-9a-f]+) \d\t([^\0]+)\0/g)) {
      const url = await this.urlOf(where);
      // A folder of that name may have been replaced by a link to elsewhere.
      const folder = path.join(this.folder, where);
      if (url === undefined || fs.realpathSync(folder) !== path.join(fs.realpathSync(this.folder), where)) continue;
      const request = { ...this.request, url, ref, keepGitDir: false };
      await new Checkout(request, folder, { local, depth: this.depth + 1 }).fetch();
    }
  }

  /** What `submodule init` made of a submodule's URL, which may be relative. */
  private async urlOf(where: string): Promise<string | undefined> {
    const entries = await this.git([
      "config",
      "--file",
      ".gitmodules",
      "--null",
      "--get-regexp",
      "^submodule\\..*\\.path$",
    ]);
    for (const [, name = "", folder = ""] of entries.matchAll(/submodule\.([^\n]*)\.path\n([^\0]*)\0/g)) {
      if (folder === where) return this.git(["config", "--get", `submodule.${name}.url`]);
    }
    return undefined;
  }

  /** Runs git in the folder; what it prints. */
  private async git(args: string[], settings: Record<string, string> = {}): Promise<string> {
    const config = Object.entries({ ...SETTINGS, ...settings }).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
    const child = spawn("git", [...config, ...args], {
      cwd: this.folder,
      env: ENVIRONMENT,
      stdio: ["ignore", "pipe", "pipe"],
      ...(this.request.signal ? { signal: this.request.signal, killSignal: "SIGKILL" } : {}),
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error("git's output is missing");
    try {
      const [code, out, complaint] = await Promise.all([ended, text(stdout), text(stderr)]);
      if (code !== 0) throw failed(complaint.trim() || `git ${args[0]} failed`);
      return out.trimEnd();
    } catch (error) {
      if (this.request.signal?.aborted) throw new GantryError("canceled", "CANCELED", "canceled", { cause: error });
      if (errnoOf(error) !== "ENOENT") throw error;
      throw new GantryError("notImplemented", "NO_GIT", "git is not installed: ADD needs it for repositories", {
        hint: "install git beside the engine, or fetch the repository before the build",
      });
    }
  }
}

/** What may be told and kept. */
const withoutPassword = (url: string): string => url.replace(/^(https?:\/\/)[^/@]*@/i, "$1");

const failed = (why: string): GantryError => new GantryError("unavailable", "GIT_FAILED", why);

/** Follows redirects of http(s) itself, so that every address on the way is checked; git is told to follow none. */
async function placeOf(url: string, local: boolean, signal: AbortSignal | undefined): Promise<Place> {
  const [, scheme] = /^([a-z]+):\/\//i.exec(url) ?? [];
  switch (scheme?.toLowerCase()) {
    case "http":
    case "https":
      return settled(url, local, signal);
    case "git":
      for (const { address } of await dns.lookup(new URL(url).hostname.replace(/^\[|\]$/g, ""), { all: true })) {
        if (isLinkLocal(address)) throw new GantryError("forbidden", "DOWNLOAD_REFUSED", `${url} refused: ${address}`);
      }
      return { url, settings: {}, local: false };
    default:
      throw new GantryError(
        "notImplemented",
        "GIT_OVER_SSH",
        `cannot fetch ${url}: only https, http and git are supported`,
        {
          hint: "for a private repository, clone it before the build and COPY it",
        },
      );
  }
}

const SERVICE = "/info/refs?service=git-upload-pack";

async function settled(url: string, local: boolean, signal: AbortSignal | undefined): Promise<Place> {
  const base = url.replace(/\/+$/, "");
  const answer = await follow(base + SERVICE, { local, ...(signal ? { signal } : {}) });
  answer.response.destroy();
  const { statusCode, statusMessage = "" } = answer.response;
  const shown = withoutPassword(url);
  if (statusCode !== 200) throw unavailable(`failed to fetch ${shown}: status ${statusCode} ${statusMessage}`.trim());
  const last = answer.url;
  if (!last.href.endsWith(SERVICE)) throw unavailable(`failed to fetch ${shown}: redirected to ${last.href}`);
  const port = last.port || (last.protocol === "https:" ? "443" : "80");
  const address = answer.address.includes(":") ? `[${answer.address}]` : answer.address;
  return {
    url: last.href.slice(0, -SERVICE.length),
    settings: { "http.curloptResolve": `${last.hostname.replace(/^\[|\]$/g, "")}:${port}:${address}` },
    local: answer.local,
  };
}
