import type { Socket } from "node:net";
import type { Hijacked } from "../../client/transport.ts";
import { FrameDecoder, STREAM } from "../../wire/frames.ts";
import { DetachKeys, parseDetachKeys } from "./detach-keys.ts";
import type { Output } from "./output.ts";
import { rawMode } from "./tty.ts";

export interface SessionOptions {
  tty: boolean;
  stdin: boolean;
  /** undefined: that stream's content is dropped. */
  out: Output | undefined;
  err: Output | undefined;
  detachKeys?: string;
  rawTerminal(): Promise<() => void>;
}

/** Joins the terminal and a container's streams. "ended": the container closed its output; "detached": the user left. */
export async function runSession(hijacked: Hijacked, options: SessionOptions): Promise<"ended" | "detached"> {
  const { socket } = hijacked;
  const restore = options.tty && options.stdin ? await rawMode(options.rawTerminal) : () => {};
  let detach: () => void = () => {};
  const detached = new Promise<"detached">((resolve) => {
    detach = () => resolve("detached");
  });
  const stopInput = options.stdin ? pumpInput(socket, options, detach) : () => {};
  try {
    return await Promise.race([pumpOutput(socket, options), detached]);
  } finally {
    stopInput();
    restore();
    socket.destroy();
  }
}

function pumpOutput(socket: Socket, options: SessionOptions): Promise<"ended"> {
  const decoder = options.tty ? undefined : new FrameDecoder();
  return new Promise((resolve, reject) => {
    socket.on("data", (chunk: Buffer) => {
      try {
        if (decoder === undefined) options.out?.write(chunk);
        else {
          for (const { stream, data } of decoder.push(chunk)) {
            (stream === STREAM.stdout ? options.out : options.err)?.write(data);
          }
        }
      } catch (error) {
        reject(error);
      }
    });
    socket.once("end", () => resolve("ended")).once("close", () => resolve("ended"));
    // A reset after the container's end is an end too; what went wrong shows in its exit code.
    socket.on("error", () => resolve("ended"));
    // An end without output before it is announced even on a paused socket, maybe before anyone listened here.
    if (socket.readableEnded || socket.destroyed) resolve("ended");
    else socket.resume();
  });
}

/** stdin → container; its end closes that half alone. Gives a function that stops it. */
function pumpInput(socket: Socket, options: SessionOptions, detach: () => void): () => void {
  const { stdin } = process;
  const keys =
    options.tty && stdin.isTTY ? new DetachKeys(parseDetachKeys(options.detachKeys || "ctrl-p,ctrl-q")) : undefined;
  const onData = (chunk: Buffer): void => {
    const { pass, detached } = keys?.feed(chunk) ?? { pass: chunk, detached: false };
    if (pass.length > 0 && socket.writable && !socket.write(pass)) {
      stdin.pause();
      socket.once("drain", () => stdin.resume());
    }
    if (detached) detach();
  };
  const onEnd = (): void => {
    socket.end();
  };
  stdin.on("data", onData).on("end", onEnd).on("error", onEnd);
  stdin.resume();
  return () => {
    stdin.off("data", onData).off("end", onEnd).off("error", onEnd);
    stdin.pause();
    stdin.unref?.();
  };
}
