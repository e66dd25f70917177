import { firstLine } from "../confirm.ts";
import type { Context } from "../command.ts";
import { Exit } from "../exit.ts";

export async function askLine(context: Context, question: string): Promise<string> {
  context.out.write(question);
  return ((await firstLine()) ?? "").trim();
}

/** Without an echo; the terminal is put back whatever happens. */
export async function askSecret(context: Context, question: string): Promise<string> {
  context.out.write(question);
  const { stdin } = process;
  stdin.setRawMode(true);
  const restore = (): void => {
    stdin.setRawMode(false);
  };
  process.once("exit", restore);
  try {
    return await typed();
  } finally {
    restore();
    process.off("exit", restore);
    stdin.pause();
    context.out.write("\n");
  }
}

function typed(): Promise<string> {
  const { stdin } = process;
  let text = "";
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      for (const char of chunk.toString("utf8")) {
        if (char === "\r" || char === "\n" || char === "\u0004") {
          stdin.off("data", onData);
          resolve(text);
          return;
        }
        if (char === "\u0003") {
          stdin.off("data", onData);
          reject(new Exit(130));
          return;
        }
        text = char === "\u007f" || char === "\b" ? text.slice(0, -1) : text + char;
      }
    };
    stdin.on("data", onData);
    stdin.resume();
  });
}

export async function readAllInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
