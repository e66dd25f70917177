import { visible } from "../../base/excerpt.ts";
import { withoutEscapes } from "../terminal/look.ts";

/** Characters of one step's output that are kept for its failure, and how many of them make one piece. */
const KEPT = 8 * 1024 * 1024;
const PIECE = 64 * 1024;
/** As much is looked through for the last lines. */
const LOOKED_AT = 8 * 1024;

/** What a step has said. To take more in costs nothing but memory, of which there is an end. */
export class StepOutput {
  private readonly pieces: string[] = [];
  private size = 0;
  private cut = false;

  push(text: string): void {
    const last = this.pieces.length - 1;
    if (last >= 0 && this.pieces[last]!.length < PIECE) this.pieces[last] += text;
    else this.pieces.push(text);
    this.size += text.length;
    while (this.size > KEPT && this.pieces.length > 1) {
      this.size -= this.pieces.shift()!.length;
      this.cut = true;
    }
  }

  /** The last lines as they stand on a terminal, without what moves its cursor. */
  tail(most: number): string[] {
    if (most <= 0) return [];
    const text = this.pieces.slice(-2).join("").slice(-LOOKED_AT);
    const lines = text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    return lines.slice(-most).map((line) => {
      const shown = line.replace(/\r+$/, "");
      return visible(withoutEscapes(shown.slice(shown.lastIndexOf("\r") + 1)));
    });
  }

  /** All of it, ended by a line's end. */
  whole(): string {
    const text = this.pieces.join("");
    const end = text === "" || text.endsWith("\n") ? "" : "\n";
    return `${this.cut ? "… (what came before is too much to keep)\n" : ""}${text}${end}`;
  }
}
