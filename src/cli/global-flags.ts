import { flag, list, quote, text, textOr } from "./flags.ts";

/** What may stand before the command. */
export const globalFlags = {
  config: text("Location of client config files", undefined, { shown: quote("~/.docker"), completes: "folder" }),
  context: text(
    "Name of the context to use to connect to the daemon (overrides DOCKER_HOST env var and default context set with " +
      '"gantry context use")',
    "c",
    { completes: "context" },
  ),
  debug: flag("Enable debug mode", "D"),
  host: list("Engine's address: unix:///path, tcp://host:port or ssh://user@host", "H", {
    completes: ["unix://", "tcp://", "ssh://"],
  }),
  "log-level": textOr("info", 'Set the logging level ("debug", "info", "warn", "error", "fatal")', "l", {
    completes: ["debug", "info", "warn", "error", "fatal"],
  }),
  tls: flag("Use TLS; implied by --tlsverify"),
  tlscacert: text("Trust certs signed only by this CA", undefined, {
    shown: quote("~/.docker/ca.pem"),
    completes: "file",
  }),
  tlscert: text("Path to TLS certificate file", undefined, { shown: quote("~/.docker/cert.pem"), completes: "file" }),
  tlskey: text("Path to TLS key file", undefined, { shown: quote("~/.docker/key.pem"), completes: "file" }),
  tlsverify: flag("Use TLS and verify the remote"),
  version: flag("Print version information and quit", "v"),
};
