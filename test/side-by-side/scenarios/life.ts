import { scenario } from "../scenario.ts";

export const life = scenario(
  "life",
  String.raw`
docker create --name ann busybox sh -c 'trap "exit 5" TERM; echo up; while :; do sleep 0.05; done'
docker start ann
docker start ann
docker start -a nosuch
docker start nosuch ann
docker start
docker pause ann
docker pause ann
docker stop -t 1 ann
docker start ann
docker pause ann; docker kill ann; docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' ann
docker unpause ann
docker unpause nosuch
docker start ann; until docker logs -n 1 ann | grep -q up; do :; done
docker rename ann bob
docker rename bob bob
docker rename nosuch xx
docker rename bob 'bad name'
docker rename bob ''
docker rename bob /cal
docker create --name dee busybox; docker rename cal dee
docker restart -t 0 cal
docker inspect -f '{{.State.Status}} {{.RestartCount}}' cal
docker stop -t 5 cal; docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' cal
docker stop cal
docker stop nosuch cal
docker stop -t nonsense cal
docker stop -s NOSUCH cal
docker start cal; docker kill -s NOSUCH cal
docker kill -s 0 cal
docker kill -s 99 cal
docker kill -s '' cal; docker wait cal
docker kill cal
docker kill nosuch
docker kill dee
docker wait cal
docker wait dee & docker start dee >/dev/null; wait
docker wait nosuch
docker wait cal nosuch
docker start -a dee
docker start -ai cal </dev/null & until [ "$(docker inspect -f '{{.State.Running}}' cal)" = true ]; do :; done; docker stop cal; wait $!; echo $?
docker start -a cal dee
docker start --checkpoint x cal
docker top cal
docker start cal; docker top cal | sed 's/[0-9][0-9:]*/N/g' | tr -s ' ' | grep -v 'N sleep'
docker top cal -o pid,comm | sed 's/[0-9][0-9]*/N/' | sort | tr -s ' ' | grep -v sleep
docker top cal -o nosuch
docker top cal aux | head -1
docker top nosuch
docker port cal
docker port nosuch
docker run -d --name ported -p 18108:80 -p 127.0.0.1:18109:81/udp busybox sleep 1000
docker port ported
docker port ported 80
docker port ported 81/udp
docker port ported 82
docker port ported nonsense
docker run --name taken -p 18108:80 busybox true
docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' taken
docker run --rm -p 99999:80 busybox true
docker run --rm -p 80:99999 busybox true
docker run --rm -p nonsense busybox true
docker run --rm -p 18110-18111:80 busybox true
docker run --rm -p 18110-18112:80-81 busybox true
docker run --rm --name bound -p 1.2.3.4:18113:80 busybox true
docker run --rm -p 80/nosuch busybox true
docker run --rm -p 300.1.1.1:80:80 busybox true
docker run --rm --expose nonsense busybox true
docker attach dee
docker attach nosuch
docker pause ported; docker attach ported; docker unpause ported
docker rm ported
docker rm nosuch
docker rm -f nosuch
docker rm nosuch taken
docker rm -f -v ported
docker rm ''
docker rm -l nosuch
docker container prune -f --filter until=nonsense
docker container prune -f --filter nosuch=1
docker container prune -f --filter label=nosuch
docker run -d --name oom --memory 8m busybox sh -c 'head -c 100000000 /dev/zero | tail -c 90000000 >/dev/null'; docker wait oom
docker run -d --name re --restart on-failure:1 busybox sh -c 'exit 2'; docker wait re; until [ "$(docker inspect -f '{{.State.Status}}' re)" = exited ]; do :; done; docker inspect -f '{{.RestartCount}} {{.State.ExitCode}}' re
docker run -d --name sig --stop-signal USR1 --stop-timeout 7 busybox sh -c 'trap "exit 9" USR1; echo up; while :; do sleep 0.05; done'; until docker logs sig | grep -q up; do :; done; docker stop sig; docker inspect -f '{{.State.ExitCode}} {{.Config.StopSignal}} {{.Config.StopTimeout}}' sig
docker rm -f cal dee; docker ps -a --format '{{.Names}} {{.Status}}'
`,
);
