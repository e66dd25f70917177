// A volume plugin for the tests: `node volume-plugin.mjs SOCKET FOLDER`. Its volumes are folders below FOLDER/volumes,
// those with the option `ram` a tmpfs while somebody uses them. It remembers them in FOLDER/volumes.json, writes each
// call to FOLDER/calls, and never answers the calls that FOLDER/hangs names.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";

const [socket, folder] = process.argv.slice(2);
const stateFile = path.join(folder, "volumes.json");
const readText = (file) => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "");
/** Name → options and the ids of its users. */
const volumes = JSON.parse(readText(stateFile) || "{}");
const place = (name) => path.join(folder, "volumes", name);
const known = (name) => {
  if (!volumes[name]) throw new Error(`no volume ${name} here`);
  return volumes[name];
};
const mountpoint = (name) => (known(name).users.length > 0 || !known(name).options.ram ? place(name) : "");

const calls = {
  "Plugin.Activate": () => ({ Implements: ["VolumeDriver"] }),
  "VolumeDriver.Capabilities": () => ({ Capabilities: { Scope: "global" } }),
  "VolumeDriver.Create": ({ Name, Opts }) => {
    if (Opts?.refuse) throw new Error(Opts.refuse);
    volumes[Name] = { options: Opts ?? {}, users: [] };
    fs.mkdirSync(place(Name), { recursive: true });
  },
  "VolumeDriver.Get": ({ Name }) => ({
    Volume: {
      Name,
      Mountpoint: mountpoint(Name),
      CreatedAt: "2026-01-02T03:04:05Z",
      Status: { users: known(Name).users.length },
    },
  }),
  "VolumeDriver.List": () => ({
    Volumes: Object.keys(volumes).map((Name) => ({ Name, Mountpoint: mountpoint(Name) })),
  }),
  "VolumeDriver.Path": ({ Name }) => ({ Mountpoint: mountpoint(Name) }),
  "VolumeDriver.Mount": ({ Name, ID }) => {
    const { users, options } = known(Name);
    if (options.unmountable) throw new Error(options.unmountable);
    if (users.length === 0 && options.ram)
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", place(Name)]);
    if (!users.includes(ID)) users.push(ID);
    return { Mountpoint: place(Name) };
  },
  "VolumeDriver.Unmount": ({ Name, ID }) => {
    const volume = known(Name);
    if (!volume.users.includes(ID)) throw new Error(`${ID} does not use ${Name}`);
    volume.users = volume.users.filter((id) => id !== ID);
    if (volume.users.length === 0 && volume.options.ram) execFileSync("umount", [place(Name)]);
  },
  "VolumeDriver.Remove": ({ Name }) => {
    if (known(Name).options.keep) throw new Error(`${Name} is to be kept`);
    fs.rmSync(place(Name), { recursive: true, force: true });
    delete volumes[Name];
  },
};

const server = http.createServer(async (request, response) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  const method = request.url.slice(1);
  const body = JSON.parse(text || "{}");
  fs.appendFileSync(path.join(folder, "calls"), `${method} ${body.Name ?? ""} ${body.ID ?? ""}`.trim() + "\n");
  if (readText(path.join(folder, "hangs")).split("\n").includes(method)) return;
  let answer;
  try {
    if (!calls[method]) return response.writeHead(404).end();
    answer = { Err: "", ...calls[method](body) };
    fs.writeFileSync(stateFile, JSON.stringify(volumes));
  } catch (error) {
    answer = { Err: error.message };
  }
  response.writeHead(200, { "Content-Type": "application/vnd.docker.plugins.v1.1+json" });
  response.end(JSON.stringify(answer));
});
fs.rmSync(socket, { force: true });
server.listen(socket);
