import path from "node:path";
import type { Download, Downloads } from "../../ports/build-files.ts";
import { follow, unavailable } from "./follow.ts";

/** Fetches over HTTP and HTTPS with Node's own client. */
export class HttpDownloads implements Downloads {
  async open(url: string, signal?: AbortSignal): Promise<Download> {
    const { response, url: last } = await follow(url, { local: true, ...(signal ? { signal } : {}) });
    if (response.statusCode !== 200) {
      response.destroy();
      throw unavailable(
        `failed to GET ${url} with status ${response.statusCode} ${response.statusMessage ?? ""}`.trim(),
      );
    }
    const filename = nameOf(last, response.headers["content-disposition"]) ?? undefined;
    const size = Number(response.headers["content-length"] ?? Number.NaN);
    const modified = Date.parse(response.headers["last-modified"] ?? "");
    return {
      body: response,
      ...(filename === undefined ? {} : { filename }),
      ...(Number.isNaN(size) ? {} : { size }),
      ...(Number.isNaN(modified) ? {} : { modified }),
    };
  }
}

function nameOf(url: URL, disposition: string | undefined): string | undefined {
  if (!url.pathname.endsWith("/")) {
    const name = path.posix.basename(decode(url.pathname));
    if (isName(name)) return name;
  }
  const stated = /filename="?([^";]+)"?/i.exec(disposition ?? "")?.[1];
  const name = stated === undefined ? "" : path.posix.basename(stated);
  return isName(name) ? name : undefined;
}

const isName = (name: string): boolean => name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
