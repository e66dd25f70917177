import { scenario } from "../scenario.ts";

export const odd = scenario(
  "odd",
  String.raw`
for i in $(seq 20); do docker create busybox >>ids; done; p=$(cut -c1 ids | sort | uniq -d | head -1); docker inspect $p >all 2>err; echo $?; sed "s/: $p\$/: P/" err
p=$(cut -c1 ids | sort | uniq -d | head -1); docker start $p 2>err; echo $?; sed "s/: $p\$/: P/" err
docker rm $(cat ids) >removed; cmp ids removed
docker create --name abc busybox; id=$(docker inspect -f '{{.Id}}' abc); docker create --name $(echo $id | cut -c1-12) busybox echo by-name; docker inspect -f '{{.Path}}' $(echo $id | cut -c1-12); docker inspect -f '{{.Path}}' $(echo $id | cut -c1-13); docker rm $(docker ps -aq --no-trunc)
docker create --name $(printf 'n%.0s' $(seq 300)) busybox
docker create --name "$(printf 'a\nb')" busybox
docker create -h $(printf 'h%.0s' $(seq 100)) busybox
docker create --domainname nonsense_ busybox
docker create -l "$(printf 'k%.0s' $(seq 20000))=v" busybox >id; docker inspect -f '{{range $k, $v := .Config.Labels}}{{len $k}} {{$v}}{{end}}' $(cat id)
docker create -e "BIG=$(printf 'k%.0s' $(seq 100000))" --name big busybox sh -c 'echo $BIG | wc -c'; docker start -a big
docker create busybox "$(printf 'a\tb\nc"d\\e')" >id; docker inspect -f '{{json .Path}}' $(cat id); docker ps -a -n 1 --format '{{.Command}}'
docker create --name quote busybox echo "it's" 'a "b"' '$HOME' '\n' '' ' ' ü 😀; docker start -a quote; docker ps -a -n 1 --no-trunc --format '{{.Command}}'
docker run --rm busybox printf '%s|' a '' 'b c' "d'e" '*'
docker run --rm busybox sh -c 'printf "\377\376"' | od -An -tx1
docker create --memory 100000000000000 busybox
docker create --memory nonsense busybox
docker create --memory -1 busybox
docker create --memory 6m --memory-reservation 7m busybox
docker create --memory-swappiness 101 busybox
docker create --kernel-memory 1m busybox
docker create --cpu-period 10 busybox
docker create --cpu-quota 10 busybox
docker create --cpu-period 100000 --cpus 1 busybox
docker create --cpu-shares -5 busybox
docker create --cpuset-mems 99 busybox
docker create --pids-limit -5 --name pids busybox; docker inspect -f '{{.HostConfig.PidsLimit}}' pids
docker create --oom-kill-disable busybox
docker create --shm-size 0 busybox
docker create --shm-size -1 busybox
docker create --stop-timeout -5 busybox
docker create --storage-opt size=1G busybox
docker create --isolation hyperv busybox
docker create --isolation nonsense busybox
docker create --group-add nosuch --name ga busybox; docker start -a ga
docker create --group-add 77 --name gb busybox id; docker start -a gb
docker create --cgroup-parent nonsense.slice --name cg busybox true; docker start -a cg
docker create --device-cgroup-rule nonsense busybox
docker create --device-cgroup-rule 'c 1:3 rwm' --name dr busybox true; docker start -a dr
docker create --gpus all --name gpu busybox true; docker start -a gpu
docker create --ipc container:nosuch busybox
docker create --ipc private --shm-size 2m --name ipc busybox true; docker run --rm --ipc container:ipc busybox true
docker create --ipc shareable --name ips busybox sleep 1000; docker start ips; docker run --rm --ipc container:ips busybox ls -d /dev/shm
docker create --pid container:ips --name pc busybox sh -c 'ls -d /proc/1'; docker start -a pc
docker create --pid host --name ph busybox sh -c 'test $$ -gt 1 && echo host'; docker start -a ph
docker create --uts host -h x busybox
docker create --pull never --volume-driver nosuch -v xx:/y busybox
docker create --publish-all --expose 80 --name all busybox sleep 1000; docker start all; docker port all
docker create --health-cmd true --health-retries -1 busybox
docker create --health-cmd true --health-timeout 1us busybox
docker create --health-cmd true --no-healthcheck busybox
docker create --rm --restart on-failure busybox
docker create --log-driver json-file --log-opt max-file=0 busybox
docker create --log-driver json-file --log-opt max-file=2 busybox
docker create --log-driver json-file --log-opt compress=nonsense --log-opt max-size=1m busybox
docker create --log-opt mode=nonsense busybox
docker create --security-opt apparmor=nosuch --name aa busybox true; docker start -a aa
docker create --security-opt label=nonsense --name lb busybox true; docker start -a lb
docker create --security-opt seccomp=unconfined --name su busybox grep Seccomp: /proc/self/status; docker start -a su
echo '{' >bad.json; docker create --security-opt seccomp=bad.json --name sb busybox true; docker start -a sb
echo '{"defaultAction":"NOSUCH"}' >bad2.json; docker create --security-opt seccomp=bad2.json --name sc busybox true; docker start -a sc
docker create --security-opt systempaths=unconfined --name sp busybox sh -c 'test -w /proc/sysrq-trigger && echo open'; docker start -a sp
docker create --platform nonsense/x/y/z busybox
docker create --pull nonsense busybox
docker create --link abc:x busybox
docker create -it --name tty busybox cat; docker start tty; docker stop -t 0 tty; docker inspect -f '{{.State.ExitCode}} {{.Config.Tty}} {{.Config.OpenStdin}} {{.Config.StdinOnce}}' tty
docker create -i --name into busybox cat; printf 'given\n' | docker start -ai into; docker wait into; docker logs into
docker run --sig-proxy=false --name exits busybox sh -c 'exit 255'; docker start -a exits
docker run --rm --detach-keys 'ctrl-nonsense' -i busybox true
docker run -d --rm --name gone busybox sleep 0.3; docker wait gone; until ! docker inspect gone >/dev/null 2>&1; do :; done; docker logs gone
docker run --rm busybox sh -c 'exec 1>&- 2>&-; exit 6'
docker run -i --rm busybox sh -c 'read x; echo "[$x]"' <&-
docker run --rm busybox sh -c 'cat /proc/1/cgroup >/dev/null; echo $PATH; pwd; umask; id -u; hostname | wc -c; env | sed "s/=.*//" | sort'
docker run --rm -t busybox env | sed 's/HOSTNAME=.*/HOSTNAME/'
docker run --rm busybox sh -c 'ls -d /dev/*; ls -l /dev/fd /dev/stdin | sed "s/.*\/dev/\/dev/"'
docker run --rm busybox sh -c 'mount | sed "s/ on \([^ ]*\) type \([^ ]*\) (\(r[ow]\).*/ on \1 \2 \3/; s/^[^ ]* //" | sort | grep -vE "on (/etc/|/proc/|/sys/fs)"'
docker run --rm busybox sh -c 'cat /etc/hosts /etc/hostname' | tr '\t' ' '
docker run --rm busybox sh -c 'grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status; cat /proc/self/oom_score_adj'
docker run --rm busybox sh -c 'mount -t tmpfs x /tmp; mkdir /sys/x; echo 1 >/proc/sys/kernel/panic; cat /proc/kcore; ls /proc/scsi /sys/firmware'
docker run --rm busybox sh -c 'ls -ld / /etc /dev /dev/shm /proc /tmp | sed "s/ .*//"'
`,
);
