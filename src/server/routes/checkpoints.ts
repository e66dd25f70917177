import { GantryError } from "../../base/errors.ts";
import type { Containers } from "../../engine/containers/containers.ts";
import { CHECKPOINT_CREATE } from "../decode/bodies.ts";
import type { Call, Route } from "../call.ts";

/** Docker's checkpoint operations; its client offers them for an engine that says it is experimental. */
export function checkpointRoutes({ containers }: { containers: Containers }): Route[] {
  const { checkpoints } = containers;
  const folder = (call: Call): string | undefined => call.query.get("dir") || undefined;
  return [
    {
      method: "POST",
      path: "/containers/:name/checkpoints",
      handler: async (call) => {
        const body = await call.json<{ CheckpointID?: string; CheckpointDir?: string; Exit?: boolean }>(
          CHECKPOINT_CREATE,
        );
        const { CheckpointID: name, CheckpointDir: dir, Exit: exit = false } = body;
        if (typeof (name ?? "") !== "string" || typeof (dir ?? "") !== "string" || typeof exit !== "boolean") {
          throw new GantryError("invalid", "BAD_JSON", "CheckpointID and CheckpointDir are strings, Exit is a boolean");
        }
        const entry = containers.find(call.param("name"));
        await checkpoints.create(entry, { name: name ?? "", ...(dir ? { folder: dir } : {}), exit });
        call.empty(201);
      },
    },
    {
      method: "GET",
      path: "/containers/:name/checkpoints",
      handler: async (call) => {
        const names = await checkpoints.list(containers.find(call.param("name")), folder(call));
        call.send(
          200,
          names.map((name) => ({ Name: name })),
        );
      },
    },
    {
      method: "DELETE",
      path: "/containers/:name/checkpoints/:checkpoint",
      handler: async (call) => {
        await checkpoints.remove(containers.find(call.param("name")), call.param("checkpoint"), folder(call));
        call.empty(204);
      },
    },
  ];
}
