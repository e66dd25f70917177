import { randomBytes, randomInt } from "node:crypto";
import { containerName } from "../../base/names.ts";
import type { Ids } from "../../ports/clock.ts";

export class RandomIds implements Ids {
  id(): string {
    // Docker's clients take an id of digits only, cut to twelve, for a number.
    for (;;) {
      const id = randomBytes(32).toString("hex");
      if (!/^\d{12}/.test(id)) return id;
    }
  }

  name(): string {
    return containerName((n) => randomInt(n));
  }
}
