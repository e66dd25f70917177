import http from "node:http";
import net from "node:net";
import { until } from "./until.ts";

/** Serves its own host name, so that one sees who answered. */
export const WEB = ["busybox", "sh", "-c", "mkdir /w; hostname > /w/index.html; exec httpd -f -p 80 -h /w"];

/** The page at host:port; undefined when nobody answers. */
export function page(port: number | string, host = "127.0.0.1"): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = http.get({ host, port, agent: false, timeout: 2000 }, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.on("end", () => resolve(text.trim()));
      response.on("error", () => resolve(undefined));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}

export const answers = (port: number | string, words: string, host?: string): Promise<void> =>
  until(async () => (await page(port, host)) === words, { what: `${words} at ${host ?? ""}:${port}`, every: 50 });

/** So many free TCP ports in a row, below those that the kernel gives out. */
export async function freePorts(count: number): Promise<number> {
  const isFree = async (port: number): Promise<boolean> => {
    const server = net.createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "0.0.0.0", () => resolve(true));
    });
    server.close();
    return free;
  };
  for (;;) {
    const first = 20_000 + Math.trunc(Math.random() * 10_000);
    const all = await Promise.all(Array.from({ length: count }, (_, n) => isFree(first + n)));
    if (all.every(Boolean)) return first;
  }
}
