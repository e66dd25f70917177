import { Readable } from "node:stream";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { OnProgress } from "../../base/progress.ts";
import { LayerProgress } from "../../engine/images/transfer-progress.ts";
import type { Downloads } from "../../ports/build-files.ts";
import type { Clock } from "../../ports/clock.ts";

/** The tar at an address, with its bytes told as they come. Without a scheme, http is meant. */
export async function openRemote(
  deps: { downloads: Downloads; clock: Clock },
  source: string,
  tell: OnProgress,
  signal: AbortSignal,
): Promise<Readable> {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(source) ? source : `http://${source}`;
  const { body, size = 0 } = await deps.downloads.open(url, signal);
  tell({ status: `Downloading from ${url}` });
  const progress = new LayerProgress(({ status, progressDetail }) => tell({ status, progressDetail }), deps.clock, "");
  async function* told(): AsyncGenerator<Buffer> {
    let received = 0;
    try {
      for await (const chunk of body) {
        received += (chunk as Buffer).length;
        progress.bytes("Importing", received, size);
        yield chunk as Buffer;
      }
    } catch (cause) {
      if (signal.aborted) throw new GantryError("canceled", "CANCELED", "canceled", { cause });
      throw new GantryError("unavailable", "DOWNLOAD_FAILED", `Get "${url}": ${messageOf(cause)}`, { cause });
    }
  }
  return Readable.from(told(), { objectMode: false });
}
