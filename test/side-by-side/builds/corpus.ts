import zlib from "node:zlib";
import { archive, type Member } from "../../support/tar-maker.ts";

/** A Dockerfile with its context. */
export interface BuildCase {
  name: string;
  /** Lines. */
  dockerfile: string[];
  context: Member[];
  args: string[];
}

const file = (name: string, more: Partial<Member> = {}): Member => ({ name, content: `${name}\n`, ...more });
const folder = (name: string, mode = 0o755): Member => ({ name: `${name}/`, type: "dir", mode });
const link = (name: string, target: string): Member => ({ name, type: "symlink", link: target, mode: 0o777 });
const bytes = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

/** Capability cap_net_raw+ep, as the kernel stores it. */
const NET_RAW = Buffer.from("0100000200200000000000000000000000000000", "hex");
const LONG = "l".repeat(255);
const DEEP = Array.from({ length: 40 }, (_, i) => `level-${i}`).join("/");
const ODD = [
  "new\nline",
  "\xff\xfe",
  "-dash",
  " space ",
  "quote'\"",
  "back\\slash",
  "tab\t",
  "[x]",
  "a*b",
  "$HOME",
  "#hash",
  bytes("ünïcode 日本"),
  LONG,
];

const INNER = archive(
  folder("top", 0o700),
  file("top/one", { uid: 1000, gid: 1001, mode: 0o4755 }),
  { name: "top/hard", type: "link", link: "top/one", uid: 1000, gid: 1001, mode: 0o4755 },
  link("top/soft", "one"),
  { name: "top/fifo", type: "fifo", mode: 0o640 },
  { name: "top/null", type: "char", major: 1, minor: 3, mode: 0o666 },
  file("top/capable", { mode: 0o755, xattrs: new Map([["security.capability", NET_RAW]]) }),
  file("missing/parent/file"),
  folder("sticky", 0o1777),
);

const TREE: Member[] = [
  folder("tree", 0o750),
  file("tree/plain"),
  file("tree/run", { mode: 0o755 }),
  file("tree/secret", { mode: 0o600, uid: 77, gid: 88 }),
  file("tree/setuid", { mode: 0o6755 }),
  file("tree/.dot"),
  { name: "tree/empty", content: "" },
  folder("tree/.hidden", 0o700),
  file("tree/.hidden/inside"),
  folder("tree/sticky", 0o1777),
  folder("tree/nothing", 0o711),
  link("tree/soft", "plain"),
  link("tree/dangling", "/no/such"),
  link("tree/to-folder", "sticky"),
  { name: "tree/hard", type: "link", link: "tree/plain" },
];

const one = (name: string, dockerfile: string[], context: Member[] = [], ...args: string[]): BuildCase => ({
  name,
  dockerfile,
  context,
  args,
});

export const corpus: BuildCase[] = [
  one(
    "copy a file",
    ["FROM busybox", "COPY a /to", "COPY a /folder/", "COPY a /base", "COPY a /x/y/z", "COPY a b /both/", "COPY a ."],
    [file("a", { mode: 0o640 }), file("b")],
  ),
  one(
    "copy a folder",
    ["FROM busybox", "COPY tree /to", "COPY tree/ /slash/", "COPY tree /base", "COPY tree/.hidden /hid"],
    TREE,
  ),
  one("copy all", ["FROM busybox", "COPY . /all", "COPY ./ /slash/"], TREE),
  one(
    "copy by patterns",
    [
      "FROM busybox",
      "COPY t*/p* /p/",
      "COPY tree/.* /dots/",
      "COPY tree/[r-s]?? /class/",
      "COPY tree/ru? /single",
      "COPY t*e /folder",
    ],
    TREE,
  ),
  one("copy by a pattern that finds a broken link", ["FROM busybox", "COPY tree/* /stars/"], TREE),
  one("copy by a pattern that finds nothing", ["FROM busybox", "COPY tree/no* /to/"], TREE),
  one(
    "copy with owners",
    [
      "FROM busybox",
      "COPY --chown=nobody:root tree/plain /group",
      "COPY --chown=7:8 tree/plain /made/up/here/",
      "COPY --chown=9 tree/secret /one",
      "COPY --chown=nobody:nogroup tree /base",
    ],
    TREE,
  ),
  one("copy with an owner without a group of its name", ["FROM busybox", "COPY --chown=nobody tree /by-name"], TREE),
  one("copy with an owner who is not there", ["FROM busybox", "COPY --chown=ghost tree /by-name"], TREE),
  one(
    "an older context of many kinds",
    ["FROM busybox", "COPY --chown=1:2 . /all"],
    [...TREE, { name: "pipe", type: "fifo", mode: 0o600 }],
  ),
  one(
    "copy onto links",
    [
      "FROM busybox",
      "COPY a /base/to-folder/",
      "COPY a /base/to-file",
      "COPY a /base/to-nothing",
      "COPY a /base/up/",
      "COPY d /base/to-folder",
    ],
    [file("a"), folder("d"), file("d/inner", { content: "new\n" })],
  ),
  one(
    "copy links",
    ["FROM busybox", "COPY to-file /file", "COPY to-folder /folder", "COPY tree/soft tree/to-folder /many/"],
    [...TREE, link("to-file", "tree/plain"), link("to-folder", "tree")],
  ),
  one(
    "copy over what is there",
    [
      "FROM busybox",
      "RUN mkdir /x && echo old >/x/a && chmod 600 /x/a && chown 3:3 /x /x/a && ln /x/a /x/other",
      "COPY x /x",
      "COPY f /base/file",
    ],
    [folder("x", 0o711), file("x/a", { mode: 0o755 }), file("f")],
  ),
  one("copy a file over a folder", ["FROM busybox", "RUN mkdir -p /x/a", "COPY x /x"], [folder("x"), file("x/a")]),
  one(
    "copy a folder over a file",
    ["FROM busybox", "RUN mkdir /x && touch /x/a", "COPY x /x"],
    [folder("x"), folder("x/a"), file("x/a/b")],
  ),
  one(
    "copy a folder over a link",
    ["FROM busybox", "RUN mkdir -p /x /real && ln -s /real /x/a", "COPY x /x"],
    [folder("x"), folder("x/a"), file("x/a/b")],
  ),
  one(
    "copy a link over a folder",
    ["FROM busybox", "RUN mkdir -p /x/a", "COPY x /x"],
    [folder("x"), link("x/a", "/tmp")],
  ),
  one(
    "copy a link over a file",
    ["FROM busybox", "RUN mkdir /x && echo >/x/a", "COPY x /x"],
    [folder("x"), link("x/a", "/tmp")],
  ),
  one(
    "copy a file over a link",
    ["FROM busybox", "RUN mkdir /x && ln -s /base/file /x/a", "COPY x /x", "COPY x/a /base/to-file"],
    [folder("x"), file("x/a")],
  ),
  one(
    "add archives",
    [
      "FROM busybox",
      "ADD inner.tar /tar/",
      "ADD inner.tgz /tgz",
      "ADD --chown=7:8 inner.tar /owned/",
      "COPY inner.tar /plain/",
      "ADD a /a/",
    ],
    [
      { name: "inner.tar", content: INNER.toString("latin1") },
      { name: "inner.tgz", content: zlib.gzipSync(INNER).toString("latin1") },
      file("a"),
    ],
  ),
  one(
    "add an archive over what is there",
    ["FROM busybox", "ADD over.tar /base", "ADD over.tar /"],
    [
      {
        name: "over.tar",
        content: archive(
          folder("folder", 0o700),
          file("folder/inner"),
          file("file"),
          file("to-file"),
          file("to-folder/x"),
          link("tmp", "/base"),
        ).toString("latin1"),
      },
    ],
  ),
  one(
    "working folders",
    [
      "FROM busybox",
      "WORKDIR /a/b",
      "COPY f .",
      "WORKDIR c",
      "COPY f g/",
      "RUN pwd >here",
      "USER nobody",
      "WORKDIR d",
      "ENV AT=/by/env",
      "WORKDIR $AT/x",
      "WORKDIR /base/to-folder/y",
    ],
    [file("f")],
  ),
  one(
    "users",
    [
      "FROM busybox",
      "RUN mkdir /open && chmod 1777 /open",
      "USER nobody",
      "RUN id >/open/id && umask >/open/umask",
      "USER 12:34",
      "RUN id >/open/other && mkdir /open/d",
      "COPY f /open/copied",
      "USER 99",
    ],
    [file("f")],
  ),
  one(
    "volumes",
    [
      "FROM busybox",
      "RUN mkdir /v && echo before >/v/before",
      "VOLUME /v",
      'VOLUME ["/w", "/deep/er"]',
      "RUN echo after >/v/after; mkdir -p /w; echo x >/w/x",
      "COPY f /v/copied",
    ],
    [file("f")],
  ),
  one(
    "settings",
    [
      "FROM busybox",
      "ARG VERSION=1",
      "ARG EMPTY",
      'ENV A=1 B="two words" C=$A$VERSION',
      "ENV OLD style value",
      "ENV PATH=/x:$PATH",
      'LABEL one=1 two="2 $A" "with space"=3',
      "EXPOSE 80 53/udp 9000-9002",
      "STOPSIGNAL SIGINT",
      "HEALTHCHECK --interval=5s --timeout=3s --retries=2 --start-period=1s CMD test -e /ok",
      'SHELL ["/bin/sh", "-ec"]',
      "RUN echo $A-$B-$C-$VERSION-$EMPTY >/said",
      "MAINTAINER somebody",
      "USER 5:6",
      "WORKDIR /w",
      "VOLUME /data",
      'ENTRYPOINT ["sleep"]',
      "CMD 100",
    ],
    [],
    "--build-arg",
    "VERSION=2",
    "--label",
    "by=flag",
  ),
  one("settings of the base", [
    "FROM busybox AS base",
    "ENV A=1",
    "LABEL x=1",
    'ENTRYPOINT ["a"]',
    'CMD ["b"]',
    "HEALTHCHECK CMD true",
    "EXPOSE 1",
    "VOLUME /v",
    "FROM base",
    "ENV A=2 B=$A",
    "LABEL y=2",
    'ENTRYPOINT ["c"]',
    "HEALTHCHECK NONE",
    "EXPOSE 2",
  ]),
  one("triggers", ["FROM busybox", "ONBUILD RUN touch /here", "ONBUILD COPY a /a"], [file("a")]),
  one("stages", [
    "FROM busybox AS one",
    "RUN mkdir -p /out/d && echo 1 >/out/f && chmod 4711 /out/f && chown 3:4 /out/f && ln /out/f /out/twin && ln -s f /out/soft && mkfifo /out/fifo && chmod 2750 /out/d && chown 5:6 /out/d",
    "FROM busybox",
    "COPY --from=one /out /out",
    "COPY --from=0 --chown=8:9 /out/f /owned",
    "COPY --from=one /out/s* /soft/",
    "COPY --from=one /base /copied",
  ]),
  one("stages from nothing", [
    "FROM busybox AS one",
    "RUN mkdir -p /a/b && echo hi >/a/b/c",
    "FROM scratch",
    "COPY --from=one /a /a",
    "WORKDIR /w",
  ]),
  one("deletions", [
    "FROM busybox",
    "RUN rm /base/file && rm -r /base/folder/deep",
    "RUN rm -r /home && mkdir /made && touch /made/f",
    "RUN rm -r /made",
  ]),
  one("replaced folders", [
    "FROM busybox",
    "RUN rm -r /base/folder && mkdir /base/folder && echo new >/base/folder/new",
    "RUN rm -r /base && echo file >/base",
    "RUN rm /base && mkdir -p /base/folder && echo again >/base/folder/inner",
  ]),
  one("types that change", [
    "FROM busybox",
    "RUN cd /base && rm file && mkdir file && rm to-file && echo x >to-file && rm -r folder && ln -s /tmp folder && rm to-nothing && mkfifo to-nothing",
  ]),
  one("moves", ["FROM busybox", "RUN mv /base/folder /base/moved && mv /base/file /file && mv /base /other"]),
  one("changed modes and owners", [
    "FROM busybox",
    "RUN chmod 700 /base && busybox chown 9:9 /base/file && busybox chown -h 9:9 /base/to-file && touch -d @1000000000 /base/folder/inner",
  ]),
  one("privileges", [
    "FROM busybox",
    "RUN echo su >/su && chmod 6755 /su && echo >/capable && setcap cap_net_raw+ep /capable",
    "RUN busybox chown 7:7 /capable",
    "RUN echo >/b && chmod 4755 /b && setcap cap_chown+ei /b",
  ]),
  one(
    "attributes",
    [
      "FROM busybox",
      "RUN echo >/f && setfattr -n user.note -v hello /f && mkdir /d && setfattr -n user.d -v x /d",
      "COPY --chown=1:1 f /copied",
    ],
    [file("f", { xattrs: new Map([["user.note", Buffer.from("of the context")]]) })],
  ),
  one("access lists", [
    "FROM busybox",
    "RUN echo >/f && setfacl -m u:7:rw,g:8:r /f && mkdir /d && setfacl -d -m u:7:rwx /d && echo >/d/child",
  ]),
  one("hard links", [
    "FROM busybox",
    "RUN mkdir /h && echo x >/h/a && ln /h/a /h/b && ln /h/a /c",
    "RUN echo more >>/h/a",
    "RUN ln /base/file /base/third",
    "RUN ln -s x /h/s && ln /h/s /h/s2",
  ]),
  one("sparse files", [
    "FROM busybox",
    "RUN dd if=/dev/zero of=/sparse bs=1 count=1 seek=20000000 && printf data | dd of=/sparse bs=1 seek=1000000 conv=notrunc",
    "RUN busybox truncate -s 5000000 /hole",
  ]),
  one("devices and pipes", [
    "FROM busybox",
    "RUN mkfifo -m 640 /pipe && busybox mknod /null c 1 3 && chmod 666 /null && busybox mknod /loop b 7 5",
  ]),
  one(
    "odd names",
    ["FROM busybox", "COPY odd /odd", 'RUN cd /odd && for f in * ; do cp -- "$f" "/tmp/$f"; done'],
    [folder("odd"), ...ODD.map((name) => file(`odd/${name}`, { content: "odd\n" }))],
  ),
  one(
    "deep folders",
    ["FROM busybox", "COPY deep /deep", `RUN mkdir -p /made/${DEEP} && echo x >/made/${DEEP}/f && rm /deep/${DEEP}/f`],
    [
      folder("deep"),
      ...DEEP.split("/").map((_, i, all) => folder(`deep/${all.slice(0, i + 1).join("/")}`)),
      file(`deep/${DEEP}/f`, { content: "deep\n" }),
      file(`deep/${DEEP}/g`, { content: "deep\n" }),
    ],
  ),
  one(
    "what is ignored",
    ["FROM busybox", "COPY . /all"],
    [
      ...TREE,
      { name: ".dockerignore", content: "# a comment\n**/.hidden\ntree/s*\n!tree/setuid\n/tree/run\nDockerfile\n\n" },
      file("top.md"),
    ],
  ),
  one("a missing source", ["FROM busybox", "COPY nothing /to"]),
  one("a source outside", ["FROM busybox", "COPY ../../etc/passwd /to"]),
  one("a link out of the context", ["FROM busybox", "COPY out /to"], [link("out", "/etc/hostname")]),
  one("two sources for a file", ["FROM busybox", "COPY a b /to"], [file("a"), file("b")]),
];
