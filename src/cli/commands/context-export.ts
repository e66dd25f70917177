import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { between, command } from "../command.ts";
import { contextTar } from "../config/context-archive.ts";
import { DEFAULT_CONTEXT } from "../config/context-name.ts";
import { ContextStore } from "../config/context-store.ts";
import { Exit } from "../exit.ts";
import { fileError } from "../file-errors.ts";

export default command({
  usage: "[OPTIONS] CONTEXT [FILE|-]",
  args: between(1, 2),
  completes: ["context", "file"],
  flags: {},
  async run(context, [name = "", file = `${name}.dockercontext`]) {
    if (name === DEFAULT_CONTEXT) throw new Error('cannot export context "default": it is made of the environment');
    const store = new ContextStore(context.configDir);
    const tar = contextTar(store.get(name), store.tls(name));
    if (file === "-") {
      if (context.out.isTTY) throw new Exit(1, "cowardly refusing to export to a terminal, specify a file path");
      context.out.write(tar);
      return;
    }
    try {
      // It may hold a key.
      writeFileSync(resolve(context.cwd, file), tar, { flag: "wx", mode: 0o600 });
    } catch (error) {
      throw fileError("open", file, error);
    }
    context.err.write(`Written file ${JSON.stringify(file)}\n`);
  },
});
