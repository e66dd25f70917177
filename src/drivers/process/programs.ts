import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";

/** Runs a program to its end with `input` on stdin. Rejects with ENOENT when there is none of that name. */
export async function runProgram(
  program: string,
  args: string[],
  input: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  const gather = (stream: NodeJS.ReadableStream): (() => string) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString("utf8");
  };
  const stdout = gather(child.stdout);
  const stderr = gather(child.stderr);
  // One that does not read its input is fine.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  return { code: code ?? 255, stdout: stdout(), stderr: stderr() };
}

/**
 * A program whose stdin and stdout are one socket, in a session of its own, so that Ctrl-C is not for it. It is ended
 * with the connection, and with this process.
 */
export async function connectProgram(program: string, args: string[]): Promise<Socket> {
  // Descriptor 3 of a child is a socket both ways; 0 and 1 would each be one way.
  const child = spawn("/bin/sh", ["-c", 'exec "$@" <&3 >&3 3<&-', "sh", program, ...args], {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
    detached: true,
  });
  const end = (): void => void child.kill();
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  child.unref();
  const socket = child.stdio[3] as Socket;
  socket.once("close", end);
  await once(child, "spawn");
  return socket;
}
