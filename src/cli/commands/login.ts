import { isFromDaemon } from "../../client/failures.ts";
import { between, command } from "../command.ts";
import { credentialsFor, HUB, serverKey, storeCredentials } from "../credentials.ts";
import { words } from "../errors.ts";
import { Exit } from "../exit.ts";
import { flag, text } from "../flags.ts";
import { askLine, askSecret, readAllInput } from "../terminal/ask.ts";

export default command({
  usage: "[OPTIONS] [SERVER]",
  about: "Authenticate to a registry.\nDefaults to Docker Hub if no server is specified.",
  examples: [
    "gantry login -u me registry.example:5000",
    "pass registry | gantry login -u me --password-stdin registry.example:5000",
  ],
  args: between(0, 1),
  flags: {
    password: text("Password or Personal Access Token (PAT)", "p"),
    "password-stdin": flag("Take the Password or Personal Access Token (PAT) from stdin"),
    username: text("Username", "u"),
  },
  async run(context, [server], { password: given, username: name, "password-stdin": fromStdin }) {
    let password = given;
    let username = name;
    if (password) {
      context.err.write("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
      if (fromStdin) throw new Exit(1, "conflicting options: cannot specify both --password and --password-stdin");
    }
    if (fromStdin) {
      if (!username) throw new Exit(1, "the --password-stdin option requires --username to be set");
      password = (await readAllInput()).replace(/\r?\n$/, "");
    }
    const key =
      server === undefined || server === "" ? HUB : serverKey(server.replace(/^https?:\/\//, "").split("/")[0]!);
    const { system } = await context.engine();
    if (!username && !password) {
      const known = await credentialsFor(context, key);
      if (known.username && (known.password || known.identitytoken)) {
        context.out.write(`Authenticating with existing credentials... [Username: ${known.username}]\n`);
        try {
          context.out.write(`${(await system.auth(known)).Status || "Login Succeeded"}\n`);
          return;
        } catch (error) {
          if (!isFromDaemon(error)) throw error;
          context.err.write(`Login did not succeed, error: ${words(error)}\n`);
        }
      }
    }
    if (!username || !password) {
      if (!process.stdin.isTTY) throw new Exit(1, "Error: Cannot perform an interactive login from a non TTY device");
      username ||= await askLine(context, "Username: ");
      if (username === "") throw new Exit(1, "Error: Non-null Username Required");
      password ||= await askSecret(context, "Password: ");
      if (password === "") throw new Exit(1, "Error: Password Required");
    }
    const answer = await system.auth({ username, password, serveraddress: key });
    const token = answer.IdentityToken ? { identitytoken: answer.IdentityToken, password: "" } : { password };
    const file = await storeCredentials(context, key, { username, ...token });
    if (file !== undefined) {
      context.err.write(`\nWARNING! Your credentials are stored unencrypted in '${file}'.\n\n`);
    }
    context.out.write(`${answer.Status || "Login Succeeded"}\n`);
  },
});
