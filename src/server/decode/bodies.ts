import { type Fields, kinds } from "./shape.ts";

export const VOLUME_CREATE: Fields = {
  fields: { ...kinds("string", "Name Driver"), ...kinds("texts", "DriverOpts Labels") },
};

export const EXEC_CREATE: Fields = {
  fields: {
    ...kinds("boolean", "AttachStdin AttachStdout AttachStderr Tty Privileged Detach"),
    ...kinds("string", "DetachKeys User WorkingDir"),
    ...kinds("words", "Env Cmd"),
    ConsoleSize: { list: "number" },
  },
};

export const EXEC_START: Fields = {
  fields: { ...kinds("boolean", "Detach Tty"), ConsoleSize: { list: "number" } },
};

export const CHECKPOINT_CREATE: Fields = {
  fields: { ...kinds("string", "CheckpointID CheckpointDir"), Exit: "boolean" },
};
