import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import type { Duplex } from "node:stream";
import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";
import type { Owner } from "../../base/id-map.ts";
import type { StepFile, StepFiles } from "../../ports/step-files.ts";
import { MNT_DETACH, MS, mount, umount } from "../syscalls/mount.ts";

/** In a tmpfs of its own, mounted while there is any; not swapped out where the kernel (6.4) can promise that. */
export class TmpfsStepFiles implements StepFiles {
  private readonly root: string;
  private readonly present = new Set<string>();
  private next = 0;

  /** `root`: a folder below the exec root, made when first needed; at most 90 bytes, since sockets' paths are short. */
  constructor(root: string) {
    this.root = root;
  }

  secret(data: Buffer, owner: Owner, mode: number): StepFile {
    return this.attempt((file) => {
      fs.writeFileSync(file, data, { mode: 0o600, flag: "wx" });
      hand(file, owner, mode);
      return () => fs.rmSync(file, { force: true });
    });
  }

  async socket(owner: Owner, mode: number, onConnection: (connection: Duplex) => void): Promise<StepFile> {
    const connections = new Set<net.Socket>();
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      connections.add(socket.once("close", () => connections.delete(socket)));
      onConnection(socket);
    });
    const made = this.attempt((file) => {
      server.listen(file);
      return () => {
        for (const socket of connections) socket.destroy();
        server.close();
        fs.rmSync(file, { force: true });
      };
    });
    try {
      await once(server, "listening");
      hand(made.path, owner, mode);
    } catch (error) {
      made.remove();
      throw failure(error);
    }
    return made;
  }

  sweep(): void {
    if (fs.existsSync(this.root)) this.close();
  }

  private attempt(make: (file: string) => () => void): StepFile {
    if (this.present.size === 0) this.open();
    const file = path.join(this.root, String(this.next++));
    this.present.add(file);
    const forget = (): void => {
      if (this.present.delete(file) && this.present.size === 0) this.close();
    };
    try {
      const undo = make(file);
      const remove = (): void => {
        if (!this.present.has(file)) return;
        undo();
        forget();
      };
      return { path: file, remove };
    } catch (error) {
      forget();
      throw failure(error);
    }
  }

  private open(): void {
    try {
      fs.mkdirSync(this.root, { recursive: true, mode: 0o700 });
      const flags = MS.NOSUID | MS.NODEV | MS.NOEXEC;
      try {
        mount("steps", this.root, "tmpfs", flags, "mode=0700,noswap");
      } catch (error) {
        if (errnoOf(error) !== "EINVAL") throw error;
        mount("steps", this.root, "tmpfs", flags, "mode=0700");
      }
    } catch (error) {
      throw failure(error);
    }
  }

  private close(): void {
    try {
      umount(this.root, MNT_DETACH);
    } catch (error) {
      if (errnoOf(error) !== "EINVAL") throw error; // nothing was mounted there
    }
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}

function hand(file: string, { uid, gid }: Owner, mode: number): void {
  fs.chownSync(file, uid, gid);
  fs.chmodSync(file, mode);
}

const failure = (cause: unknown): GantryError =>
  new GantryError("internal", "STEP_FILE_FAILED", `a file for a build step could not be made: ${messageOf(cause)}`, {
    cause,
  });
