import { rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { BuildEvent } from "../../base/build-events.ts";
import type { BuildSessionHandle, SentFolder } from "../../client/build-session.ts";
import type { BuildOptions } from "../../client/images.ts";
import type { BuildContext } from "../../local/context.ts";
import { contextKey } from "../../local/named-contexts.ts";
import type { ProgressLine } from "../../wire/types/images.ts";
import type { Context } from "../command.ts";
import { allCredentials } from "../credentials.ts";
import { describe } from "../errors.ts";
import { Exit } from "../exit.ts";
import { type BuildScreen, buildScreen, type Progress, progressWanted } from "../progress/build-screen.ts";
import { showProgress } from "../progress/show.ts";
import type { Output } from "../terminal/output.ts";
import { CacheFolders } from "./cache.ts";
import { announced, namedBy, packedTar, shown } from "./contexts.ts";
import { push, writeMetadata } from "./finish.ts";
import type { BuildValues } from "./flags.ts";
import { type OutputWish, writeOutput } from "./outputs.ts";
import { type Offers, offer } from "./session.ts";
import { enterShell } from "./shell.ts";

type Summary = Extract<BuildEvent, { kind: "summary" }>;

/** One run of `gantry build`. */
export class CommandBuild {
  private readonly context: Context;
  private readonly options: BuildValues;
  private readonly query: BuildOptions;
  private readonly progress: Exclude<Progress, "quiet">;
  private readonly quiet: boolean;
  private readonly out: Output;
  /** What a quiet build had to say: it matters once it has failed. */
  private readonly heard: string[] = [];
  /** Of outputs: the engine only knows that its client failed. */
  private readonly failures: unknown[] = [];
  private readonly names: string[];
  private screen: BuildScreen | undefined;
  /** As the engine told it. */
  private provenance: object | undefined;

  constructor(context: Context, query: BuildOptions, options: BuildValues) {
    const { output, tag } = options;
    this.context = context;
    this.options = options;
    const wanted = progressWanted(options.progress, context.env);
    this.quiet = options.quiet || wanted === "quiet";
    this.progress = wanted === "quiet" ? "plain" : wanted;
    const hearing: Output = { isTTY: false, write: (data) => void this.heard.push(String(data)) };
    this.out = this.quiet ? hearing : this.bytesOnStdout ? context.err : context.out;
    this.names = [...tag, ...output.flatMap(({ names }) => names)];
    this.query = {
      ...query,
      t: this.names,
      q: this.quiet,
      ...(!this.quiet && { progress: "events" }),
      ...(this.shell !== undefined && { shellonfail: true }),
      ...(output.length > 0 && { outputs: output.map(({ type }) => ({ Type: type })) }),
    };
  }

  /** The command that a step which fails is looked into with; "" for its shell. undefined: none, or no terminal. */
  private get shell(): string | undefined {
    const terminal = process.stdin.isTTY && this.context.out.isTTY && !this.quiet && !this.bytesOnStdout;
    return terminal ? this.options["shell-on-fail"] : undefined;
  }

  private get bytesOnStdout(): boolean {
    return this.options.output.some(({ dest }) => dest === "-");
  }

  /** `prepared` undefined: the engine is to fetch it. Throws Exit. */
  async run(prepared: BuildContext | undefined, signal?: AbortSignal): Promise<void> {
    const { context, options, out, names } = this;
    if (options.iidfile) rmSync(resolve(context.cwd, options.iidfile), { force: true });
    const id = await this.build(prepared, signal);
    const pushes = options.push || options.output.some((wish) => wish.push);
    const pushed = pushes ? await push(context, names, this.progress.endsWith("json") ? context.err : out) : undefined;
    if (options["metadata-file"])
      writeMetadata(context, options["metadata-file"], { id, names, pushed, provenance: this.provenance });
    if (this.quiet && !this.bytesOnStdout) context.out.write(`${id || (this.heard.at(-1)?.trim() ?? "")}\n`);
    if (options.iidfile) {
      if (id === "") throw new Exit(1, `Server did not provide an image ID. Cannot write ${options.iidfile}`);
      writeFileSync(resolve(context.cwd, options.iidfile), id);
    }
  }

  /** The image's id, where the engine says it. */
  private async build(prepared: BuildContext | undefined, signal: AbortSignal | undefined): Promise<string> {
    const { context } = this;
    const { images } = await context.engine();
    let id = "";
    const session = await this.session(prepared);
    const screen = buildScreen(this.out, context.env, this.progress, { events: session !== undefined });
    this.screen = screen;
    try {
      const lines = images.build(this.body(prepared), this.query, await allCredentials(context), signal);
      const heeded = this.heeding(lines, ({ image, provenance }) => {
        id = image;
        this.provenance = provenance;
      });
      await showProgress(context, heeded, this.out, screen, (aux) => {
        if (typeof aux["ID"] === "string") id = aux["ID"];
      });
    } catch (error) {
      context.err.write(this.heard.join(""));
      if (this.failures.length > 0) throw this.failures[0];
      throw error instanceof Exit ? error : new Exit(1, describe(error));
    } finally {
      session?.close();
    }
    return id;
  }

  /** Offers what the build may ask for, and names it in the query. */
  private async session(prepared: BuildContext | undefined): Promise<BuildSessionHandle | undefined> {
    const { context, options, query } = this;
    const { keys, folders } = namedBy(options["build-context"], context.cwd);
    query.contexts = keys;
    const sent = new Map<string, () => SentFolder>();
    for (const [name, { list }] of folders) sent.set(name, () => this.told(list(), `build context ${name}`));
    const folder = options.compress ? undefined : prepared?.folder;
    if (folder) sent.set("", () => this.told(folder.list(), "build context"));
    const offers: Offers = {
      secrets: options.secret,
      agents: options.ssh,
      folders: sent,
      caches: new CacheFolders(context.cwd, options["cache-from"], options["cache-to"]),
      outputs: options.output.map((wish) => (wish.type === "image" ? undefined : this.writer(wish))),
    };
    const session = await offer(context, offers);
    if (session) query.buildsession = session.name;
    if (session && folder) query.contextkey = contextKey(folder.root);
    return session;
  }

  private told(folder: SentFolder, what: string): SentFolder {
    return this.screen ? shown(folder, what, this.screen) : folder;
  }

  private body(prepared: BuildContext | undefined): AsyncIterable<Buffer> | undefined {
    if (prepared === undefined || this.query.contextkey !== undefined || this.screen === undefined) return undefined;
    return announced(packedTar(prepared, this.options.compress), "build context", this.screen);
  }

  private writer(wish: OutputWish): (bytes: AsyncIterable<Buffer>) => Promise<void> {
    return async (bytes) => {
      try {
        await writeOutput(wish, this.context.cwd, bytes);
      } catch (error) {
        this.failures.push(error);
        throw error;
      }
    };
  }

  /** Events go by; what the command has to do with some of them is done once they are shown. */
  private async *heeding(
    lines: AsyncIterable<ProgressLine>,
    onSummary: (summary: Summary) => void,
  ): AsyncGenerator<ProgressLine> {
    for await (const line of lines) {
      if (line.build?.kind === "summary") onSummary(line.build);
      yield line;
      if (line.build?.kind === "shell") await enterShell(this.context, line.build.token, this.shell ?? "");
    }
  }
}
