import fs from "node:fs";
import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";
import type { IdMap } from "../../base/id-map.ts";
import type { Logger } from "../../ports/logger.ts";
import { run } from "../process/run.ts";
import { ToolError } from "../process/tool-error.ts";
import { freeRange, idRanges, readSubIds, type SubIds } from "./sub-ids.ts";

const SUBUID = "/etc/subuid";
const SUBGID = "/etc/subgid";
const DEFAULT = "default";
/** The account that "default" stands for. */
const DEFAULT_USER = "dockremap";

interface Account {
  name: string;
  id: number;
}

const bad = (message: string, hint?: string): GantryError =>
  new GantryError("invalid", "BAD_USERNS_REMAP", message, hint === undefined ? {} : { hint });

/**
 * What `--userns-remap` says, as a map: "default", "user", "user:group", "uid" or "uid:gid". For "default" the account
 * dockremap and its ranges are made when there is no such account. undefined: the ids stay as they are (root).
 * Throws invalid BAD_USERNS_REMAP, NO_SUB_IDS, BAD_SUB_IDS.
 */
export async function readRemap(option: string, logger: Logger): Promise<IdMap | undefined> {
  const [userWord = "", groupWord, ...rest] = option.split(":");
  if (rest.length > 0 || userWord === "" || groupWord === "") {
    throw bad(`invalid user/group specification in --userns-remap: ${JSON.stringify(option)}`);
  }
  if (userWord === DEFAULT) await makeDefaultUser(logger);
  const user = await find("passwd", userWord === DEFAULT ? DEFAULT_USER : userWord);
  const group = await find("group", groupWord ?? (isNumber(userWord) ? userWord : user.name));
  if (user.id === 0) {
    logger.warn("root cannot be remapped to itself: containers' users stay the host's");
    return undefined;
  }
  return {
    uids: idRanges(subIds(SUBUID), [user.name, String(user.id)], SUBUID),
    gids: idRanges(subIds(SUBGID), [group.name, String(group.id), user.name, String(user.id)], SUBGID),
  };
}

const isNumber = (word: string): boolean => /^[0-9]+$/.test(word);

/** By name or number, from whatever source of accounts the host has. */
async function find(table: "passwd" | "group", word: string): Promise<Account> {
  const { stdout } = await run("getent", [table, word], { ok: [0, 2] });
  const [name, , id] = stdout.toString("utf8").split("\n")[0]?.split(":") ?? [];
  if (name !== undefined && name !== "" && id !== undefined) return { name, id: Number(id) };
  const what = table === "passwd" ? "user" : "group";
  throw bad(`--userns-remap: there is no ${what} ${JSON.stringify(word)}`, `make it, or name one of /etc/${table}`);
}

function subIds(file: string): SubIds[] {
  try {
    return readSubIds(fs.readFileSync(file, "utf8"));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

async function makeDefaultUser(logger: Logger): Promise<void> {
  const { stdout } = await run("getent", ["passwd", DEFAULT_USER], { ok: [0, 2] });
  if (stdout.length > 0) return;
  const range = freeRange([...subIds(SUBUID), ...subIds(SUBGID)]);
  const ids = `${range.first}-${range.last}`;
  try {
    await run("useradd", ["--system", "--user-group", "--no-create-home", "--shell", "/bin/false", DEFAULT_USER]);
    await run("usermod", ["--add-subuids", ids, "--add-subgids", ids, DEFAULT_USER]);
  } catch (error) {
    const why = error instanceof ToolError ? error.stderr.trim() : messageOf(error);
    throw bad(`the account ${DEFAULT_USER} cannot be made: ${why}`, "name an account of your own by --userns-remap");
  }
  logger.info("made the account whose subordinate ids containers use", { user: DEFAULT_USER, ids });
}
