import { build } from "./build.ts";
import { copy } from "./copy.ts";
import { exec } from "./exec.ts";
import { images } from "./images.ts";
import { inspect } from "./inspect.ts";
import { life } from "./life.ts";
import { logs } from "./logs.ts";
import { macvlan } from "./macvlan.ts";
import { networks } from "./networks.ts";
import { odd } from "./odd.ts";
import { ps } from "./ps.ts";
import { resources } from "./resources.ts";
import { run } from "./run.ts";
import { system } from "./system.ts";
import { volumes } from "./volumes.ts";

export const scenarios = [
  run,
  exec,
  logs,
  inspect,
  ps,
  images,
  build,
  macvlan,
  networks,
  volumes,
  copy,
  life,
  resources,
  system,
  odd,
];
