import { scenario } from "../scenario.ts";

export const build = scenario(
  "build",
  String.raw`
mkdir c; printf 'FROM busybox\nLABEL a=1\nRUN echo hello >/f\nCOPY file /there/\nCMD ["cat","/f"]\n' >c/Dockerfile; echo x >c/file
docker build -t first c
docker build -t first c
docker build -q -t first c
docker build --no-cache -q c | wc -c
docker run --rm first
docker history --format '{{.CreatedBy}}|{{.Size}}|{{.Comment}}' first
docker inspect -f '{{json .Config.Cmd}} {{json .Config.Labels}} {{.Comment}}' first
docker build c/nosuch
docker build -f nosuch c
docker build
printf 'FROM busybox\nNOSUCH x\n' | docker build -
printf '' | docker build -
printf '# only a remark\n' | docker build -
printf 'RUN true\n' | docker build -
printf 'FROM\n' | docker build -
printf 'FROM busybox AS\n' | docker build -
printf 'FROM nosuch:tag\n' | docker build --pull=false - 2>&1 | head -2
printf 'FROM busybox\nRUN exit 9\n' | docker build -
printf 'FROM busybox\nRUN ["nosuch"]\n' | docker build -
printf 'FROM busybox\nCOPY missing /\n' | docker build -
printf 'FROM busybox\nCOPY missing /\n' >c/d2; docker build -f c/d2 c
printf 'FROM busybox\nCOPY ../up /\n' >c/d3; docker build -f c/d3 c
printf 'FROM busybox\nCOPY a b\n' >c/d4; docker build -f c/d4 c
printf 'FROM busybox\nCOPY file file nodir\n' >c/d5; docker build -f c/d5 c
printf 'FROM busybox\nCOPY --from=127.0.0.1:1/nosuch /a /b\n' | docker build -
printf 'FROM busybox\nCOPY --nosuch=1 a b\n' | docker build -
printf 'FROM busybox\nENV A\n' | docker build -
printf 'FROM busybox\nENV A=1 B\n' | docker build -
printf 'FROM busybox\nLABEL\n' | docker build -
printf 'FROM busybox\nEXPOSE nonsense\n' | docker build -
printf 'FROM busybox\nWORKDIR\n' | docker build -
printf 'FROM busybox\nUSER\n' | docker build -
printf 'FROM busybox\nVOLUME []\n' | docker build -
printf 'FROM busybox\nHEALTHCHECK nonsense\n' | docker build -
printf 'FROM busybox\nHEALTHCHECK --interval=x CMD true\n' | docker build -
printf 'FROM busybox\nONBUILD FROM x\n' | docker build -
printf 'FROM busybox\nONBUILD ONBUILD RUN x\n' | docker build -
printf 'FROM busybox\nMAINTAINER\n' | docker build -
printf 'FROM busybox\nSTOPSIGNAL nonsense\n' | docker build -
printf 'FROM busybox\nSHELL x\n' | docker build -
printf 'FROM busybox\nARG 1=2=3\nRUN echo got\n' | docker build -q - | wc -c
printf 'FROM busybox\nCMD ["unclosed"\n' | docker build -q - | docker inspect -f '{{json .Config.Cmd}}' $(cat)
printf 'ARG V=latest\nFROM busybox:$V\nARG W=d\nRUN echo $V-$W\n' | docker build --build-arg W=x --build-arg UNUSED=1 -
printf 'FROM busybox AS one\nRUN echo 1 >/1\nFROM busybox\nCOPY --from=one /1 /2\nRUN cat /2\n' | docker build -
printf 'FROM busybox AS one\nRUN echo 1\nFROM busybox AS two\nRUN echo 2\n' | docker build --target one -
printf 'FROM busybox\n' | docker build --target nosuch -
printf 'FROM busybox\nRUN true\n' | docker build -t UPPER -
printf 'FROM busybox\nRUN true\n' | docker build -t a:b:c -
printf 'FROM busybox\nRUN echo a; \\\n  # remark\n  echo b\n' | docker build -
printf 'FROM busybox\nRUN <<E\necho heredoc\nE\n' | docker build -
printf 'FROM scratch\nCOPY file /\n' >c/d6; docker build -q -t scratchy -f c/d6 c; docker run --rm scratchy
printf 'FROM scratch\n' | docker build -
printf 'file\n' >c/.dockerignore; docker build --no-cache -t ignored c 2>&1 | tail -2
printf 'FROM busybox\nENV A=1 B="2 3" C=x\\ y\nRUN echo "$A $B $C"\nWORKDIR /w\nWORKDIR r\nUSER nobody\nEXPOSE 80 81/udp\nVOLUME /v\nENTRYPOINT ["a"]\nCMD b\nSTOPSIGNAL USR1\nHEALTHCHECK --interval=5s CMD x\nONBUILD RUN y\nSHELL ["/bin/sh","-ec"]\nMAINTAINER me\n' | docker build -t all -
docker inspect -f '{{json .Config}} {{.Author}}' all
docker build --label x=1 --build-arg - c
docker build -m 4m -q c
docker build --network nosuch -q --no-cache c
`,
);
