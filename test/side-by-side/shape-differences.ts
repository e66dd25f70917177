import type { ShapeDifference } from "./shapes.ts";

/** Fields that gantryd has and dockerd 20.10 has not, the other way round, or with another type. */
export const shapeDifferences: ShapeDifference[] = [
  {
    field: /\.(?:GwPriority|DNSNames(?:\[\])?|EnableIPv4)$| EnableIPv4$|^GET \/info CDISpecDirs/,
    why: "newer than 20.10",
  },
  { field: /[. ]KernelMemory(?:TCP)?$/, why: "gone since Docker 23" },
  { field: /^GET \/containers\/\S+ GraphDriver\.Data\.ID$/, why: "newer than 20.10" },
  {
    field: /^GET \/images\/\S+ GraphDriver\.Data\.(?:Merged|Work)Dir$/,
    why: "gantryd does not mount an image's layers by themselves: there are no such folders",
  },
  { field: /\.SizeRw$/, why: "dockerd leaves a size of 0 out" },
  { field: /\.RepoDigests$| BuildCache$/, why: "an empty list, as in Docker 28" },
  { field: / IPAM\.Config\[\]\.Gateway$/, why: "gantryd tells the address that the bridge has" },
  { field: / RegistryConfig\.(?:Allow\w+|Mirrors)$/, why: "null for none, as in Docker 28" },
  { field: / Runtimes\.(?:io|crun)\b/, why: "the runtimes that are there" },
  { field: /^GET \/version Components\[\]\.Details\.Path$/, why: "gantryd tells which program it uses" },
  { field: /BuildTime$/, why: "gantryd runs from its sources" },
  { field: /\/containers\/nosuch\/json code$/, why: "a stable code for programs" },
];
