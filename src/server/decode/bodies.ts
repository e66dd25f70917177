import { type Fields, kinds, type Shape } from "./shape.ts";

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

export const PORT_BINDINGS: Shape = { mapOf: { list: { fields: kinds("string", "HostIp HostPort") } } };

export const LIVE_PORTS: Fields = { fields: { PortBindings: PORT_BINDINGS } };

export const CHECKPOINT_CREATE: Fields = {
  fields: { ...kinds("string", "CheckpointID CheckpointDir"), Exit: "boolean" },
};
