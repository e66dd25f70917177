import { flag, list, text, textOr } from "./flags.ts";

/** What may stand before the command. */
export const globalFlags = {
  config: text("Location of client config files (default ~/.docker)"),
  debug: flag("Enable debug mode", "D"),
  host: list("Engine's address: unix:///path or tcp://host:port", "H"),
  "log-level": textOr("info", 'Set the logging level ("debug", "info", "warn", "error", "fatal")', "l"),
  tls: flag("Use TLS; implied by --tlsverify"),
  tlscacert: text("Trust certs signed only by this CA"),
  tlscert: text("Path to TLS certificate file"),
  tlskey: text("Path to TLS key file"),
  tlsverify: flag("Use TLS and verify the remote"),
  version: flag("Print version information and quit", "v"),
};
