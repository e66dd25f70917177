import { run } from "../process/run.ts";

/** What a program says to `--version`; "unknown" where it says nothing that can be read. Never throws. */
export async function programVersion(file: string): Promise<{ version: string; commit: string }> {
  const said = await run(file, ["--version"], { timeout: 5000 }).catch(() => undefined);
  const text = said?.stdout.toString("utf8") ?? "";
  return {
    version: /version[: ]+v?([\w.+~-]+)/i.exec(text)?.[1] ?? "unknown",
    commit: /(?:commit|git\.)[: ]*([\w.-]{7,})/i.exec(text)?.[1] ?? "",
  };
}
