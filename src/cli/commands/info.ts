import { GantryError } from "../../base/errors.ts";
import { bytesSize } from "../../base/units.ts";
import type { SystemInfo } from "../../wire/types/system.ts";
import { command, noArgs } from "../command.ts";
import { describe } from "../errors.ts";
import { inspectFormatFlag } from "../format/list-flags.ts";
import { goJson } from "../format/json.ts";
import { attempt } from "../format/listing.ts";
import { VERSION } from "../version.ts";

export default command({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: { format: inspectFormatFlag },
  async run(context, _args, { format }) {
    const { system } = await context.engine();
    let failure: unknown;
    let info: SystemInfo | undefined;
    try {
      info = await system.info();
    } catch (error) {
      if (!(error instanceof GantryError)) throw error;
      failure = error;
    }
    const client = { Version: VERSION, Context: context.contextName(), Debug: false };
    if (format) {
      const all = { ...info, ClientInfo: client };
      if (format === "json") context.out.write(`${goJson(all)}\n`);
      else {
        const { compileTemplate } = await import("../../base/go-template/index.ts");
        const render = attempt(() => compileTemplate(format), "template parsing error");
        context.out.write(`${render(all)}\n`);
      }
    } else {
      context.out.write(
        `Client:\n Version:    ${VERSION}\n Context:    ${client.Context}\n Debug Mode: false\n\nServer:\n`,
      );
      if (info !== undefined) {
        context.out.write(infoText(info));
        for (const warning of info.Warnings ?? []) context.err.write(`${warning}\n`);
      }
    }
    if (failure === undefined) return 0;
    context.err.write(`${describe(failure)}\n`);
    return 1;
  },
});

function infoText(info: SystemInfo): string {
  const lines: string[] = [];
  const row = (name: string, value: string | number | boolean | undefined, depth = 1): void => {
    lines.push(`${" ".repeat(depth)}${name}: ${value ?? ""}`);
  };
  const pairs = (rows: [string, string][] | null | undefined): void => {
    for (const [name, value] of rows ?? []) row(name, value, 2);
  };
  row("Containers", info.Containers);
  row("Running", info.ContainersRunning, 2);
  row("Paused", info.ContainersPaused, 2);
  row("Stopped", info.ContainersStopped, 2);
  row("Images", info.Images);
  if (info.ServerVersion) row("Server Version", info.ServerVersion);
  row("Storage Driver", info.Driver);
  pairs(info.DriverStatus);
  if (info.LoggingDriver) row("Logging Driver", info.LoggingDriver);
  if (info.CgroupDriver) row("Cgroup Driver", info.CgroupDriver);
  if (info.CgroupVersion) row("Cgroup Version", info.CgroupVersion);
  lines.push(" Plugins:");
  row("Volume", (info.Plugins.Volume ?? []).join(" "), 2);
  row("Network", (info.Plugins.Network ?? []).join(" "), 2);
  if (info.Plugins.Authorization?.length) row("Authorization", info.Plugins.Authorization.join(" "), 2);
  row("Log", (info.Plugins.Log ?? []).join(" "), 2);
  row("Swarm", info.Swarm?.LocalNodeState ?? "inactive");
  const runtimes = Object.keys(info.Runtimes ?? {});
  if (runtimes.length > 0) {
    row("Runtimes", runtimes.join(" "));
    row("Default Runtime", info.DefaultRuntime);
  }
  row("Init Binary", info.InitBinary);
  row("containerd version", info.ContainerdCommit?.ID);
  row("runc version", info.RuncCommit?.ID);
  row("init version", info.InitCommit?.ID);
  securityLines(info.SecurityOptions ?? [], lines);
  row("Kernel Version", info.KernelVersion);
  row("Operating System", info.OperatingSystem);
  row("OSType", info.OSType);
  row("Architecture", info.Architecture);
  row("CPUs", info.NCPU);
  row("Total Memory", bytesSize(info.MemTotal));
  row("Name", info.Name);
  row("ID", info.ID);
  row("Docker Root Dir", info.DockerRootDir);
  row("Debug Mode", info.Debug);
  if (info.HttpProxy) row("HTTP Proxy", info.HttpProxy);
  if (info.HttpsProxy) row("HTTPS Proxy", info.HttpsProxy);
  if (info.NoProxy) row("No Proxy", info.NoProxy);
  if (info.Labels?.length) lines.push(" Labels:", ...info.Labels.map((label) => `  ${label}`));
  row("Experimental", info.ExperimentalBuild);
  const insecure = [
    ...Object.values(info.RegistryConfig?.IndexConfigs ?? {})
      .filter((index) => !index.Secure)
      .map((index) => index.Name),
    ...(info.RegistryConfig?.InsecureRegistryCIDRs ?? []),
  ];
  if (insecure.length > 0) lines.push(" Insecure Registries:", ...insecure.map((name) => `  ${name}`));
  const mirrors = info.RegistryConfig?.Mirrors ?? [];
  if (mirrors.length > 0) lines.push(" Registry Mirrors:", ...mirrors.map((mirror) => `  ${mirror}`));
  row("Live Restore Enabled", info.LiveRestoreEnabled);
  if (info.ProductLicense) row("Product License", info.ProductLicense);
  if (info.DefaultAddressPools?.length) {
    lines.push(" Default Address Pools:");
    for (const { Base, Size } of info.DefaultAddressPools) lines.push(`   Base: ${Base}, Size: ${Size}`);
  }
  return `${lines.join("\n")}\n\n`;
}

/** "name=seccomp,profile=default" → a name, and its settings below it. */
function securityLines(options: string[], lines: string[]): void {
  if (options.length === 0) return;
  lines.push(" Security Options:");
  for (const option of options) {
    const pairs = option.split(",").map((pair) => pair.split("=") as [string, string?]);
    lines.push(`  ${pairs.find(([key]) => key === "name")?.[1] ?? option}`);
    for (const [key, value = ""] of pairs) {
      if (key !== "name") lines.push(`   ${key[0]!.toUpperCase()}${key.slice(1)}: ${value}`);
    }
  }
}
