import { GantryError } from "../../base/errors.ts";
import { keeperOf, type VolumeRecord } from "./volume-record.ts";
import type { VolumeUsers } from "./volume-users.ts";

/** Throws invalid VOLUME_ELSEWHERE for one whose data is not in the volume's own folder. */
export function requireOwnData(record: VolumeRecord, verb: string): void {
  const keeper = keeperOf(record);
  if (keeper === undefined) return;
  throw new GantryError(
    "invalid",
    "VOLUME_ELSEWHERE",
    `cannot ${verb} volume ${record.name}: its data is not in the volume but ${keeper}`,
    { hint: "copy what is in it: gantry volume export | gantry volume import" },
  );
}

/** Throws conflict VOLUME_IN_USE: who has the data mounted would not see that it was replaced. */
export function requireIdle(users: Pick<VolumeUsers, "of">, name: string, verb: string): void {
  const active = users.of(name).filter((user) => user.active);
  if (active.length === 0) return;
  const names = active.map((user) => user.name);
  throw new GantryError("conflict", "VOLUME_IN_USE", `cannot ${verb} volume ${name}: ${names.join(", ")} uses it`, {
    hint: `gantry stop ${names.join(" ")}`,
    details: { containers: active.map((user) => user.id) },
  });
}
