import { once } from "node:events";
import { command, noArgs } from "../command.ts";

export default command({
  usage: "",
  about: "Joins stdin and stdout to a connection to the engine. What connects over ssh runs it.",
  args: noArgs,
  flags: {},
  async run(context) {
    const { transport } = await context.engine();
    const socket = await transport.connection();
    const { stdin } = process;
    stdin.on("error", () => socket.end());
    stdin.pipe(socket);
    socket.on("data", (chunk: Buffer) => context.out.write(chunk));
    await once(socket, "end");
    socket.destroy();
  },
});
