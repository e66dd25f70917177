import type { Hijacked, Transport } from "./transport.ts";

export interface ShellSize {
  rows: number;
  columns: number;
}

/** Terminals in steps of builds that failed, by the token of their `shell` event. Gantry's own. */
export class BuildShells {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** The step is given up once the connection ends. `command` goes to the step's shell; without one the shell itself runs. */
  enter(token: string, { command, rows, columns }: ShellSize & { command?: string }): Promise<Hijacked> {
    const size = rows > 0 && columns > 0 ? { h: rows, w: columns } : {};
    return this.transport.hijack(`/gantry/build-shells/${token}`, { query: { command, ...size } });
  }

  async resize(token: string, { rows, columns }: ShellSize): Promise<void> {
    await this.transport.send("POST", `/gantry/build-shells/${token}/resize`, { query: { h: rows, w: columns } });
  }
}
