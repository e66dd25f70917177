import fs from "node:fs";
import path from "node:path";
import { errnoOf, messageOf } from "../../base/errors.ts";
import type { Logger } from "../../ports/logger.ts";
import { removeTree } from "../syscalls/remove-tree.ts";

/** Folders on their way out: renamed away at once, deleted in the background, also those of a former process. */
export class Trash {
  readonly #root: string;
  readonly #logger: Logger | undefined;
  #last = 0;
  #work: Promise<void> = Promise.resolve();

  constructor(root: string, logger?: Logger) {
    this.#root = root;
    this.#logger = logger;
    fs.mkdirSync(root, { recursive: true, mode: 0o700 });
    for (const name of fs.readdirSync(root)) {
      this.#last = Math.max(this.#last, Number.parseInt(name, 36) || 0);
      this.#remove(name);
    }
  }

  /** Missing is fine. */
  discard(folder: string): void {
    const name = (++this.#last).toString(36);
    try {
      fs.renameSync(folder, path.join(this.#root, name));
    } catch (e) {
      if (errnoOf(e) === "ENOENT") return;
      throw e;
    }
    this.#remove(name);
  }

  /** When everything discarded so far is deleted. */
  settled(): Promise<void> {
    return this.#work;
  }

  #remove(name: string): void {
    this.#work = this.#work.then(async () => {
      try {
        await removeTree(this.#root, name);
      } catch (e) {
        this.#logger?.warn("cannot delete a discarded folder; the next start tries again", {
          name,
          error: messageOf(e),
        });
      }
    });
  }
}
