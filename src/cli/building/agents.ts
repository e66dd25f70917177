import type { AgentSource } from "../../local/ssh-agents.ts";

/** `default`, `default=/run/agent.sock`, `deploy=~/.ssh/id_ed25519,other`. */
export function parseAgent(text: string): AgentSource {
  const at = text.indexOf("=");
  if (at === -1) return { id: text || "default", paths: [] };
  return { id: text.slice(0, at) || "default", paths: text.slice(at + 1).split(",") };
}
