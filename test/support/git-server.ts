import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

/** Git repositories, served over HTTP on loopback by git's own program. */
export class GitServer {
  readonly url: string;
  private readonly root: string;
  private readonly server: http.Server;

  private constructor(root: string, server: http.Server) {
    this.root = root;
    this.server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** `root`: an empty folder. `/moved/x.git` redirects to `/x.git`, `/away/x.git` to a link-local address. */
  static async start(root: string): Promise<GitServer> {
    const server = http.createServer((request, response) => {
      const [, way, rest] = /^\/(moved|away)(\/.*)$/.exec(request.url ?? "") ?? [];
      if (way === "moved") response.writeHead(302, { Location: rest }).end();
      else if (way === "away") response.writeHead(302, { Location: `http://169.254.169.254${rest}` }).end();
      else serve(root, request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new GitServer(root, server);
  }

  /** Makes or continues a repository; the new commit's id. `links`: submodules by path. */
  commit(
    name: string,
    files: Record<string, string>,
    options: { tag?: string; submodules?: Record<string, string> } = {},
  ): string {
    const work = path.join(this.root, `${name}.work`);
    const git = (...args: string[]): string =>
      execFileSync(
        "git",
        ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "protocol.file.allow=always", ...args],
        {
          cwd: work,
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        },
      ).trim();
    if (!fs.existsSync(work)) {
      fs.mkdirSync(work);
      git("init", "--quiet", "--initial-branch=main");
    }
    for (const [file, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(work, file)), { recursive: true });
      fs.writeFileSync(path.join(work, file), content, { mode: content.startsWith("#!") ? 0o755 : 0o644 });
    }
    for (const [where, url] of Object.entries(options.submodules ?? {})) git("submodule", "--quiet", "add", url, where);
    git("add", "--all");
    git("commit", "--quiet", "--message=more");
    if (options.tag !== undefined) git("tag", options.tag);
    const bare = path.join(this.root, `${name}.git`);
    fs.rmSync(bare, { recursive: true, force: true });
    execFileSync("git", ["clone", "--quiet", "--bare", work, bare], { stdio: "ignore" });
    return git("rev-parse", "HEAD");
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** One request through git-http-backend, as a CGI program. */
function serve(root: string, request: http.IncomingMessage, response: http.ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  const backend = spawn("git", ["http-backend"], {
    stdio: ["pipe", "pipe", "ignore"],
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      PATH_INFO: pathname,
      QUERY_STRING: searchParams.toString(),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
    },
  });
  request.pipe(backend.stdin);
  const chunks: Buffer[] = [];
  backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  backend.on("close", () => {
    const all = Buffer.concat(chunks);
    const cut = all.indexOf("\r\n\r\n");
    const headers = new Map(
      all
        .subarray(0, cut)
        .toString()
        .split("\r\n")
        .map((line): [string, string] => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
    );
    response.writeHead(Number.parseInt(headers.get("Status") ?? "200", 10), {
      "Content-Type": headers.get("Content-Type") ?? "text/plain",
    });
    response.end(all.subarray(cut + 4));
  });
}
