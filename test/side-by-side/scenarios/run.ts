import { scenario } from "../scenario.ts";

export const run = scenario(
  "run",
  String.raw`
docker run --rm busybox true
docker run --rm busybox sh -c 'exit 3'
docker run --rm busybox sh -c 'echo out; echo err >&2; exit 7'
docker run --rm busybox nosuch
docker run --rm busybox /no/such/program
docker run --rm busybox /etc
docker run --rm busybox /etc/passwd
docker run --rm busybox ''
docker run --rm --entrypoint '' busybox
docker run --rm --entrypoint '' busybox echo cleared
docker run --rm --entrypoint echo busybox hello 'two  words'
docker run --rm busybox sh -c 'kill -9 $$'
docker run --rm busybox sh -c 'kill -TERM $$; sleep 0.1; echo still here'
docker run --rm -w /no/such/folder busybox pwd
docker run --rm -w relative busybox pwd
docker run --rm -w /etc/passwd busybox pwd
docker run --rm -u nobody busybox id
docker run --rm -u 1234:4321 busybox id
docker run --rm -u nosuchuser busybox id
docker run --rm -u root:nosuchgroup busybox id
docker run --rm -u 4294967296 busybox id
docker run --rm -h name.example busybox hostname
docker run --rm -h 'bad host' busybox hostname
docker run --rm -e A=1 -e 'B=two words' -e EMPTY= -e PATH=/bin busybox env | sort
A=from-here docker run --rm -e A -e NOT_SET busybox sh -c 'echo "$A $(env | grep -c NOT_SET)"'
docker run --rm -e =novalue busybox env
docker run --rm -e '' busybox true
docker run --rm -e 'A B=c' busybox sh -c 'env | grep "A B"'
docker run --rm -e 'U=ü€😀' busybox sh -c 'echo $U'
printf 'F=1\n# remark\nG=a=b\n' >vars; docker run --rm --env-file vars busybox sh -c 'echo $F $G'
printf 'two words=1\n' >bad; docker run --rm --env-file bad busybox true
docker run --rm --env-file missing busybox true
docker run --rm -l a=1 -l b -l c= busybox true
docker run --rm --read-only busybox touch /file
docker run --rm --tmpfs /t:size=64k busybox sh -c 'df -k /t | tail -1 | tr -s " " | sed "s/ / /g"'
docker run --rm --ulimit nofile=99:100 busybox sh -c 'ulimit -n; ulimit -Hn'
docker run --rm --ulimit nofile=100:99 busybox true
docker run --rm --ulimit nosuch=1 busybox true
docker run --rm --cap-drop ALL busybox sh -c 'grep CapEff /proc/self/status'
docker run --rm --cap-add NOSUCH busybox true
docker run --rm --cap-add sys_admin --cap-drop CAP_CHOWN busybox sh -c 'grep CapEff /proc/self/status'
docker run --rm --sysctl net.ipv4.ip_forward=0 busybox cat /proc/sys/net/ipv4/ip_forward
docker run --rm --sysctl kernel.nosuch=1 busybox true
docker run --rm --sysctl kernel.hostname=x busybox true
docker run --rm --shm-size 1m busybox sh -c 'df -k /dev/shm | tail -1 | tr -s " "'
docker run --rm --memory 4m busybox true
docker run --rm --memory 5m --memory-swap 4m busybox true
docker run --rm --memory-swap 64m busybox true
docker run --rm --cpus 0 busybox true
docker run --rm --cpus 1000 busybox true
docker run --rm --cpus -1 busybox true
docker run --rm --cpuset-cpus 999 busybox true
docker run --rm --cpuset-cpus nonsense busybox true
docker run --rm --pids-limit -1 busybox true
docker run --rm --oom-score-adj 2000 busybox true
docker run --rm --security-opt nosuch busybox true
docker run --rm --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status
docker run --rm --security-opt seccomp=missing.json busybox true
docker run --rm --device /dev/nosuch busybox true
docker run --rm --device /dev/null:/dev/mine:r busybox stat -c '%F %t %T' /dev/mine
docker run --rm --runtime nosuch busybox true
docker run --rm --pid container:nosuch busybox true
docker run --rm --pid nonsense busybox true
docker run --rm --ipc nonsense busybox true
docker run --rm --uts nonsense busybox true
docker run --rm --userns nonsense busybox true
docker run --rm --cgroupns nonsense busybox true
docker run --rm --network nosuch busybox true
docker run --rm --network container:nosuch busybox true
docker run --rm --network host --network-alias a busybox true
docker run --rm --network host -p 18101:80 busybox true
docker run --rm --network none busybox sh -c 'ls /sys/class/net'
docker run --rm --ip 10.1.2.3 busybox true
docker run --rm --dns nonsense busybox true
docker run --rm --dns 9.9.9.9 --dns-search example.org --dns-option ndots:3 busybox grep -v '^#' /etc/resolv.conf
docker run --rm --add-host 'db:10.9.8.7' busybox grep db /etc/hosts
docker run --rm --add-host nonsense busybox true
docker run --rm --add-host 'gw:host-gateway' busybox grep gw /etc/hosts
docker run --rm --restart always busybox true
docker run --restart nonsense busybox true
docker run --restart always:3 busybox true
docker run --restart on-failure:-1 busybox true
docker run --rm --stop-signal NOSUCH busybox true
docker run --rm --log-driver nosuch busybox true
docker run --rm --log-opt nosuch=1 busybox true
docker run --rm --log-opt max-size=nonsense busybox true
docker run --rm --health-interval 1us --health-cmd true busybox true
docker run --rm --no-healthcheck busybox true
docker run --rm --init busybox sh -c 'cat /proc/1/comm'
docker run --pull never --rm nosuch:tag true
docker run --rm --pull never --platform linux/nosuch busybox true
docker run -d --rm busybox true
docker run -d -a stdout busybox true
docker run -it busybox true
printf 'from stdin\n' | docker run -i --rm busybox cat
docker run -i --rm busybox cat
printf 'ignored' | docker run --rm busybox cat
docker run --rm -a stderr busybox sh -c 'echo out; echo err >&2'
docker run --rm -t busybox sh -c 'echo out; echo err >&2; test -t 1 && echo terminal'
docker run --cidfile id --name withid busybox true; wc -c <id; docker run --cidfile id busybox true
docker run --rm busybox sh -c 'yes 0123456789 | head -c 300000 | tr -d "\n"' | wc -c
docker run --rm busybox printf '\0\1\377' | od -An -c
docker run --name twice busybox true; docker run --name twice busybox true
docker run --name /slash busybox true
docker run --name a busybox true; docker run --name 'a b' busybox true
docker run --name -x busybox true
docker run --name ü busybox true
docker run --name x busybox true
docker run --name xy.z_1-2 busybox true
docker run
docker run ''
docker run UPPER
docker run a:b:c
docker run busybox@sha256:1234
docker run --rm sha256:0000000000000000000000000000000000000000000000000000000000000000
`,
);
