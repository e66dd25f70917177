import type { Socket } from "node:net";

/** Resolves when the socket takes more, or is closed. */
export const writable = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.once("drain", done).once("close", done);
  });
