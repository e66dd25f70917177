const NAMED: Record<string, number> = { "@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, _: 31 };

/** "ctrl-p,ctrl-q" → bytes. Throws Error on an unknown key. */
export function parseDetachKeys(text: string): number[] {
  return text.split(",").map((key) => {
    if (key.length === 1) return key.charCodeAt(0);
    const control = /^ctrl-(.)$/i.exec(key)?.[1]?.toLowerCase();
    if (control === undefined) throw new Error(`Unknown character: '${key}'`);
    if (/[a-z]/.test(control)) return control.charCodeAt(0) - 96;
    const code = NAMED[control];
    if (code === undefined) throw new Error(`Unknown character: '${key}'`);
    return code;
  });
}

/** Watches typed bytes for the keys that leave a container. */
export class DetachKeys {
  private readonly keys: readonly number[];
  private matched = 0;

  constructor(keys: readonly number[]) {
    this.keys = keys;
  }

  /** What goes on to the container; `detached` once the whole sequence has come. A part of it is held back. */
  feed(chunk: Buffer): { pass: Buffer; detached: boolean } {
    const pass: number[] = [];
    for (const byte of chunk) {
      if (byte !== this.keys[this.matched] && this.matched > 0) {
        pass.push(...this.keys.slice(0, this.matched));
        this.matched = 0;
      }
      if (byte !== this.keys[this.matched]) pass.push(byte);
      else if ((this.matched += 1) === this.keys.length) {
        this.matched = 0;
        return { pass: Buffer.from(pass), detached: true };
      }
    }
    return { pass: Buffer.from(pass), detached: false };
  }
}
