import { CAPABILITIES as KNOWN } from "../../base/capabilities.ts";
import { LOG_DRIVERS as DRIVERS } from "../../base/logging/options.ts";

const words = (text: string): readonly string[] => text.split(" ");

/** What completion offers; the engine says what it takes. */
export const CAPABILITIES = ["ALL", ...KNOWN.map((name) => name.replace(/^CAP_/, ""))];
export const LOG_DRIVERS = [...DRIVERS, "none"];
export const SIGNALS = words("SIGHUP SIGINT SIGKILL SIGQUIT SIGTERM SIGUSR1 SIGUSR2");
