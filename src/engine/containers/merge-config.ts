import type { ContainerConfig, HealthConfig } from "../../base/container-config.ts";

/** What the client asked for over what the image brings. Source: compatibility.md, ENTRYPOINT and CMD. */
export function mergeConfig(asked: ContainerConfig, image: ContainerConfig): ContainerConfig {
  const ownEntrypoint = asked.Entrypoint !== undefined && asked.Entrypoint !== null && asked.Entrypoint.length > 0;
  const cleared = ownEntrypoint && asked.Entrypoint?.length === 1 && asked.Entrypoint[0] === "";
  const ownCmd = asked.Cmd !== undefined && asked.Cmd !== null && asked.Cmd.length > 0;
  return {
    ...asked,
    User: asked.User || image.User || "",
    ExposedPorts: { ...image.ExposedPorts, ...asked.ExposedPorts },
    Env: mergeEnv(asked.Env ?? [], image.Env ?? []),
    Entrypoint: cleared ? null : ownEntrypoint ? asked.Entrypoint : (image.Entrypoint ?? null),
    // --entrypoint makes the image's arguments meaningless
    Cmd: ownCmd ? asked.Cmd : ownEntrypoint ? null : (image.Cmd ?? null),
    WorkingDir: asked.WorkingDir || image.WorkingDir || "",
    Volumes: { ...image.Volumes, ...asked.Volumes },
    Labels: { ...image.Labels, ...asked.Labels },
    ...mergeHealth(asked.Healthcheck, image.Healthcheck),
    ...(asked.StopSignal || image.StopSignal ? { StopSignal: asked.StopSignal || image.StopSignal } : {}),
    ...(image.OnBuild ? { OnBuild: image.OnBuild } : { OnBuild: null }),
    ...(asked.Shell || image.Shell ? { Shell: asked.Shell ?? image.Shell } : {}),
  };
}

/** The image's variables that the client did not set again come after the client's, as Docker orders them. */
function mergeEnv(asked: string[], image: string[]): string[] {
  const keyOf = (entry: string): string => entry.split("=", 1)[0] ?? "";
  const own = new Set(asked.map(keyOf));
  return [...asked, ...image.filter((entry) => !own.has(keyOf(entry)))];
}

function mergeHealth(asked: HealthConfig | undefined, image: HealthConfig | undefined): { Healthcheck?: HealthConfig } {
  if (!asked) return image ? { Healthcheck: image } : {};
  if (!image) return { Healthcheck: asked };
  const test = asked.Test && asked.Test.length > 0 ? asked.Test : image.Test;
  return { Healthcheck: { ...image, ...definedOnly(asked), ...(test ? { Test: test } : {}) } };
}

const definedOnly = (health: HealthConfig): HealthConfig =>
  Object.fromEntries(Object.entries(health).filter(([, value]) => value !== 0 && value !== undefined));
