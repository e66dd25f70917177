import type { Duplex } from "node:stream";
import type { ClientStream } from "../engine/containers/attach.ts";
import {
  CLOSE,
  encodeClose,
  encodeWebSocketFrame,
  OPCODE,
  WebSocketBreach,
  WebSocketDecoder,
  type WebSocketFrame,
} from "../wire/websocket.ts";

/** A web socket as the engine sees it: both outputs in one, as Docker sends them there. */
export class WebSocketStream implements ClientStream {
  private readonly socket: Duplex;
  private readonly opcode: number;
  private readonly decoder = new WebSocketDecoder();
  private readonly inputListeners: ((chunk: Buffer) => void)[] = [];
  private readonly endListeners: (() => void)[] = [];
  /** What was typed before the session began. */
  private early: Buffer[] | undefined = [];
  private closed = false;

  /** `text`: frames of API versions before 1.28. */
  constructor(socket: Duplex, text: boolean) {
    this.socket = socket;
    this.opcode = text ? OPCODE.text : OPCODE.binary;
    socket.on("data", (chunk: Buffer) => this.read(chunk));
    socket.once("end", () => this.inputEnded());
  }

  write(_stream: "stdout" | "stderr", chunk: Buffer): boolean {
    if (this.closed || this.socket.destroyed) return true;
    return this.socket.write(encodeWebSocketFrame(this.opcode, chunk));
  }

  onDrain(listener: () => void): void {
    this.socket.on("drain", listener);
  }

  onInput(listener: (chunk: Buffer) => void): void {
    this.inputListeners.push(listener);
    for (const chunk of this.early ?? []) listener(chunk);
  }

  onInputEnd(listener: () => void): void {
    this.early = undefined;
    if (this.closed || this.socket.readableEnded) listener();
    else this.endListeners.push(listener);
    this.socket.resume();
  }

  onClose(listener: () => void): void {
    if (this.socket.destroyed) listener();
    else this.socket.once("close", listener);
  }

  end(): void {
    this.close(CLOSE.normal);
  }

  private read(chunk: Buffer): void {
    if (this.closed) return;
    let frames: WebSocketFrame[];
    try {
      frames = this.decoder.push(chunk);
    } catch (error) {
      if (!(error instanceof WebSocketBreach)) throw error;
      this.close(error.code);
      return;
    }
    for (const { opcode, payload } of frames) {
      if (opcode === OPCODE.close) this.close(CLOSE.normal);
      else if (opcode === OPCODE.ping) this.socket.write(encodeWebSocketFrame(OPCODE.pong, payload));
      else if (opcode !== OPCODE.pong) this.input(payload);
    }
  }

  private input(payload: Buffer): void {
    if (this.early !== undefined) {
      this.early.push(payload);
      this.socket.pause();
    }
    for (const listener of this.inputListeners) listener(payload);
  }

  private close(code: number): void {
    if (this.closed) return;
    this.closed = true;
    this.inputEnded();
    this.socket.end(encodeClose(code));
  }

  private inputEnded(): void {
    for (const listener of this.endListeners.splice(0)) listener();
  }
}
