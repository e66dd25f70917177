import { scenario } from "../scenario.ts";

export const logs = scenario(
  "logs",
  String.raw`
docker run --name ann busybox sh -c 'echo one; echo two; sleep 0.2; echo three >&2; sleep 0.2; printf tail'
docker logs ann
docker logs --tail 2 ann
docker logs -n 1 ann
docker logs --tail 0 ann
docker logs --tail all ann
docker logs --tail -5 ann
docker logs --tail nonsense ann
docker logs -t ann
docker logs --details ann
docker logs -f ann
docker logs --since 1h ann
docker logs --since 2000-01-01T00:00:00 --tail 1 ann
docker logs --since 2100-01-01 ann
docker logs --until 2000-01-01 ann
docker logs --until 10m ann
docker logs --since nonsense ann
docker logs --until nonsense ann
docker logs nosuch
docker logs ''
docker run -d --name none --log-driver none busybox echo lost; docker wait none
docker logs none
docker run --name big --log-opt max-size=1k --log-opt max-file=2 busybox seq 100000 100400 >all; docker logs big | tail -1
docker run --name tee -t busybox sh -c 'echo out; echo err >&2'
docker logs tee
docker run --name labelled -l a=1 -e E=2 --log-opt labels=a --log-opt env=E --log-opt tag=x busybox echo hello
docker logs --details labelled
docker create --name never busybox
docker logs never
docker run --name long busybox sh -c 'head -c 40000 /dev/zero | tr "\0" x; echo; printf "ü€\n"'  | wc -c
docker logs long | wc -lc
docker logs -t long | wc -l
`,
);
