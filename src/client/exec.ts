import type { ExecCreateRequest, ExecInspect, ExecStartRequest } from "../wire/types/containers.ts";
import { segment } from "./query.ts";
import { type Hijacked, type Transport } from "./transport.ts";

export class Exec {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  create(container: string, request: ExecCreateRequest, signal?: AbortSignal): Promise<{ Id: string }> {
    return this.transport.json("POST", `/containers/${segment(container)}/exec`, { body: request, signal });
  }

  /** Starts it with its streams on the connection. */
  attach(id: string, request: ExecStartRequest, signal?: AbortSignal): Promise<Hijacked> {
    return this.transport.hijack(`/exec/${segment(id)}/start`, { body: { ...request, Detach: false }, signal });
  }

  async detach(id: string, request: ExecStartRequest, signal?: AbortSignal): Promise<void> {
    await this.transport.send("POST", `/exec/${segment(id)}/start`, { body: { ...request, Detach: true }, signal });
  }

  inspect(id: string, signal?: AbortSignal): Promise<ExecInspect> {
    return this.transport.json("GET", `/exec/${segment(id)}/json`, { signal });
  }

  async resize(id: string, height: number, width: number, signal?: AbortSignal): Promise<void> {
    await this.transport.send("POST", `/exec/${segment(id)}/resize`, { query: { h: height, w: width }, signal });
  }
}
