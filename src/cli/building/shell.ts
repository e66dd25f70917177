import { BuildShells } from "../../client/build-shells.ts";
import type { Context } from "../command.ts";
import { runSession } from "../terminal/session.ts";
import { followSize, ttySize } from "../terminal/tty.ts";

/** `--shell-on-fail`: a terminal in the step that failed, until its shell ends. */
export async function enterShell(context: Context, token: string, command: string): Promise<void> {
  const shells = new BuildShells((await context.engine()).transport);
  const hijacked = await shells.enter(token, { ...ttySize(), ...(command !== "" && { command }) });
  const stopResizing = followSize((rows, columns) => shells.resize(token, { rows, columns }));
  const { rawTerminal, out, err } = context;
  try {
    await runSession(hijacked, { rawTerminal, tty: true, stdin: true, out, err });
  } finally {
    stopResizing();
  }
}
