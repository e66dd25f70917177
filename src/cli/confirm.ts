import type { Context } from "./command.ts";
import { Exit } from "./exit.ts";

/** Asks on the terminal; anything but y or yes ends the command, as docker does. */
export async function confirm(context: Context, warning: string): Promise<void> {
  context.out.write(`${warning}\nAre you sure you want to continue? [y/N] `);
  const answer = await firstLine();
  if (!/^y(es)?$/i.test((answer ?? "").trim())) throw new Exit(0);
}

/** One line of stdin, without its end; undefined at the end of input. */
export async function firstLine(): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if (chunk.includes(10)) break;
  }
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? undefined : text.split("\n")[0]!.replace(/\r$/, "");
}
