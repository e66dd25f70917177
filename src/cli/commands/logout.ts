import { between, command } from "../command.ts";
import { eraseCredentials, HUB, serverKey } from "../credentials.ts";

export default command({
  usage: "[SERVER]",
  about: "Log out from a registry.\nIf no server is specified, Docker Hub is meant.",
  args: between(0, 1),
  flags: {},
  async run(context, [server]) {
    const key =
      server === undefined || server === "" ? HUB : serverKey(server.replace(/^https?:\/\//, "").split("/")[0]!);
    context.out.write(`Removing login credentials for ${key}\n`);
    await eraseCredentials(context, key);
  },
});
