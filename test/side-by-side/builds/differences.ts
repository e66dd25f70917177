import type { BuildDifference } from "./compare.ts";

const because = (why: string, cases: Omit<BuildDifference, "why">[]): BuildDifference[] =>
  cases.map((one) => ({ ...one, why }));

/** For both peers. */
const both = (one: Omit<BuildDifference, "why" | "peer">): Omit<BuildDifference, "why">[] => [
  { ...one, peer: "dockerd" },
  { ...one, peer: "buildah" },
];

/** Where gantryd builds something else: mostly as BuildKit does, which is Docker's builder today. */
export const buildDifferences: BuildDifference[] = [
  ...because("a change of the owner takes set-uid away after it was set; BuildKit keeps it", [
    ...both({ at: /\/setuid$/, says: /file 0755 .*file 6755/ }),
  ]),
  ...because("as in BuildKit: a file never replaces a folder, nor the other way round", [
    ...both({ cases: ["copy a file over a folder"], at: /^image$/ }),
    ...both({ cases: ["copy a folder over a file"], at: /^image$/ }),
    ...both({ cases: ["copy a folder over a link"], at: /^image$/ }),
    ...both({ cases: ["copy a link over a folder"], at: /^image$/ }),
  ]),
  ...because("as in BuildKit: --chown is for what an archive holds, too", [
    ...both({ cases: ["add archives"], at: /^\/owned/, says: / 7:8/ }),
  ]),
  ...because("as in BuildKit: WORKDIR makes folders that belong to USER", [
    { peer: "dockerd", cases: ["working folders"], at: /^\/(a\/b\/c\/d|by|base\/folder\/y)/, says: /0:0.*65534:65534/ },
    { peer: "dockerd", cases: ["settings"], at: /^\/w$/, says: /0:0.*5:6/ },
  ]),
  ...because("as in BuildKit: what RUN writes to a volume's folder stays, and no folder is made for one", [
    ...both({ cases: ["volumes"], at: /^\/deep/ }),
    ...both({ cases: ["volumes"], at: /^\/[vw]\//, says: /^nothing/ }),
    { peer: "buildah", cases: ["settings of the base"], at: /^\/v$/ },
  ]),
  ...because("as in BuildKit: the user's own group, where no group has the user's name", [
    { peer: "dockerd", cases: ["copy with an owner without a group of its name"], at: /^image$/ },
  ]),
  ...because("what a pattern finds and what leads nowhere is left out", [
    ...both({ cases: ["copy by a pattern that finds a broken link"], at: /^image$/ }),
  ]),
  ...because("attributes of users are part of a layer", [
    { peer: "dockerd", cases: ["attributes"], at: /^\/(f|d|copied)$/, says: / user\./ },
  ]),
  ...because("access lists are part of a layer, so that an image is the same where it was pulled", [
    ...both({ cases: ["access lists"], at: /^\/(f|d|d\/child)$/, says: / system\.posix_acl_/ }),
  ]),
  ...because("gantry sends no attributes of files, since Node.js can't read them", [
    { peer: "buildah", way: "gantry build", cases: ["attributes"], at: /^\/copied$/ },
  ]),
  ...because("a context that comes as a tar is taken as it is; dockerd and buildah got different ones", [
    { peer: "buildah", way: "docker build", cases: ["what is ignored"], at: /^\/all\/tree\// },
    { peer: "dockerd", way: "gantry build", cases: ["what is ignored"], at: /^\/all\/tree\// },
  ]),
  ...because("buildah replaces a link in the target's place; dockerd and BuildKit write to what it leads to", [
    { peer: "buildah", cases: ["copy onto links", "copy a file over a link"], at: /^\/(base|made)\// },
  ]),
  ...because("buildah leaves what was mounted in a RUN in the image", [
    { peer: "buildah", at: /^\/(etc\/(hostname|hosts|resolv\.conf)|run)$/ },
  ]),
  ...because("buildah runs all of a stage in one file system, where no layer breaks hard links", [
    { peer: "buildah", cases: ["hard links"], at: /^\/(c|h\/a)$/ },
  ]),
  ...because("buildah may not make devices in its chroot", [
    { peer: "buildah", cases: ["devices and pipes"], at: /^image$/ },
  ]),
  ...because("buildah takes several files for one place, and keeps the last", [
    { peer: "buildah", cases: ["two sources for a file"], at: /^image$/ },
  ]),
  ...because("buildah writes settings in its own way: sorted, with ranges, by its own shell, with its version", [
    { peer: "buildah", at: /^Labels$/, says: /io\.buildah\.version/ },
    { peer: "buildah", cases: ["settings"], at: /^(Env|Cmd|ExposedPorts)$/ },
  ]),
];
