import { messageOf } from "../base/errors.ts";
import type { AuthConfig } from "../wire/types/system.ts";
import type { Context } from "./command.ts";

/** What a helper gives as the name of a token's owner. */
const TOKEN = "<token>";
const MISSING = "credentials not found in native keychain";

/** A program docker-credential-NAME: a verb as argument, its question on stdin, the answer on stdout. */
export class CredentialHelper {
  readonly name: string;
  private readonly context: Pick<Context, "programs">;

  constructor(context: Pick<Context, "programs">, name: string) {
    this.context = context;
    this.name = name;
  }

  private async ask(verb: "get" | "store" | "erase" | "list", input: string): Promise<string> {
    const program = `docker-credential-${this.name}`;
    const { run } = await this.context.programs();
    let answer: Awaited<ReturnType<typeof run>>;
    try {
      answer = await run(program, [verb], input);
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      const reason = missing ? "executable file not found in $PATH" : messageOf(error);
      throw new Error(`error getting credentials - err: exec: ${JSON.stringify(program)}: ${reason}`, { cause: error });
    }
    const { code, stdout, stderr } = answer;
    if (code === 0) return stdout;
    const said = stdout.trim() || stderr.trim();
    throw new Error(
      said === MISSING ? MISSING : `error getting credentials - err: exit status ${code}, out: \`${said}\``,
    );
  }

  /** undefined: it knows none. */
  async get(server: string): Promise<AuthConfig | undefined> {
    let text: string;
    try {
      text = await this.ask("get", server);
    } catch (error) {
      if (messageOf(error) === MISSING) return undefined;
      throw error;
    }
    const { Username: username, Secret: secret } = JSON.parse(text) as { Username: string; Secret: string };
    const rest = { serveraddress: server };
    return username === TOKEN ? { ...rest, identitytoken: secret } : { ...rest, username, password: secret };
  }

  async store(server: string, { username = "", password = "", identitytoken }: AuthConfig): Promise<void> {
    const [Username, Secret] = identitytoken ? [TOKEN, identitytoken] : [username, password];
    await this.ask("store", JSON.stringify({ ServerURL: server, Username, Secret }));
  }

  async erase(server: string): Promise<void> {
    await this.ask("erase", server);
  }

  /** The servers that it has something for. */
  async list(): Promise<string[]> {
    return Object.keys(JSON.parse((await this.ask("list", "unused")) || "{}") as Record<string, string>);
  }
}
