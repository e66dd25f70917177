import type { ExecCreateRequest, ExecInspect, ExecStartRequest } from "../wire/types/containers.ts";
import { type Hijacked, segment, type Transport } from "./transport.ts";

export class Exec {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  create(container: string, request: ExecCreateRequest): Promise<{ Id: string }> {
    return this.transport.json("POST", `/containers/${segment(container)}/exec`, { body: request });
  }

  /** Starts it with its streams on the connection. */
  attach(id: string, request: ExecStartRequest, signal?: AbortSignal): Promise<Hijacked> {
    return this.transport.hijack(`/exec/${segment(id)}/start`, { body: { ...request, Detach: false }, signal });
  }

  async detach(id: string, request: ExecStartRequest): Promise<void> {
    await this.transport.send("POST", `/exec/${segment(id)}/start`, { body: { ...request, Detach: true } });
  }

  inspect(id: string): Promise<ExecInspect> {
    return this.transport.json("GET", `/exec/${segment(id)}/json`);
  }

  async resize(id: string, height: number, width: number): Promise<void> {
    await this.transport.send("POST", `/exec/${segment(id)}/resize`, { query: { h: height, w: width } });
  }
}
