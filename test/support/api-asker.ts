import assert from "node:assert/strict";
import type { TestEngine } from "./engine.ts";
import type { Swagger } from "./swagger.ts";

export type Body = Record<string, unknown>;

/** Asks one engine in one version of the API, and holds every answer against the Swagger file. */
export class Asker {
  readonly minor: number;
  engine!: TestEngine;
  private swagger!: Swagger;

  constructor(minor: number) {
    this.minor = minor;
  }

  begin(engine: TestEngine, swagger: Swagger): void {
    this.engine = engine;
    this.swagger = swagger;
  }

  /** `template` with {name} filled from `params`; what is left over of them is the query. */
  async ask<T = Body>(
    status: number,
    method: string,
    template: string,
    params: Record<string, string> = {},
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const query = new URLSearchParams();
    let target = template;
    for (const [key, value] of Object.entries(params)) {
      if (target.includes(`{${key}}`)) target = target.replace(`{${key}}`, encodeURIComponent(value));
      else query.set(key, value);
    }
    const path = `/v1.${this.minor}${target}${query.size > 0 ? `?${query}` : ""}`;
    const answer = await this.engine.get(path, method, body, headers);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    this.swagger.check(method, template, answer, this.minor);
    const json = answer.headers["content-type"]?.startsWith("application/json") && answer.text !== "";
    return (json ? JSON.parse(answer.text.split("\n")[0] as string) : answer.text) as T;
  }

  /** An answer that came another way: a line of a stream, an upgraded connection. */
  check(method: string, template: string, answer: Parameters<Swagger["check"]>[2]): void {
    this.swagger.check(method, template, answer, this.minor);
  }

  async create(name: string, config: object): Promise<string> {
    const made = await this.ask<{ Id: string }>(
      201,
      "POST",
      "/containers/create",
      { name },
      { Image: "busybox", ...config },
    );
    return made.Id;
  }

  gone(id: string): Promise<unknown> {
    return this.ask(204, "DELETE", "/containers/{id}", { id, force: "1", v: "1" });
  }
}
