import { scenario } from "../scenario.ts";

export const exec = scenario(
  "exec",
  String.raw`
docker run -d --name ann -e A=1 -w /tmp busybox sleep 1000
docker exec ann pwd
docker exec ann sh -c 'echo out; echo err >&2; exit 5'
docker exec ann nosuch
docker exec ann /etc
docker exec ann /etc/passwd
docker exec ann ''
docker exec -w /no/such ann pwd
docker exec -w /etc ann pwd
docker exec -u nobody ann id
docker exec -u nosuch ann id
docker exec -e A=2 -e B=3 ann sh -c 'echo $A $B'
docker exec -e '' ann true
printf 'from stdin\n' | docker exec -i ann cat
printf 'ignored' | docker exec ann cat
docker exec -t ann sh -c 'test -t 1 && echo terminal'
docker exec -it ann true
docker exec -d ann touch /tmp/made; until docker exec ann test -e /tmp/made; do :; done; docker exec ann ls /tmp
docker exec -d ann nosuch
docker exec nosuch true
docker exec '' true
docker exec ann
docker exec ann sh -c 'kill -9 $$'
docker exec --env-file missing ann true
docker exec --detach-keys nonsense -i ann true
docker pause ann
docker exec ann true
docker unpause ann
docker kill ann
docker exec ann true
docker create --name never busybox
docker exec never true
docker exec -u 1:2 never true
`,
);
