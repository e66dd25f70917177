import { scenario } from "../scenario.ts";

export const volumes = scenario(
  "volumes",
  String.raw`
docker volume ls
docker volume create one
docker volume create one
docker volume create --label a=1 two
docker volume create --driver nosuch xx
docker volume create --driver nosuch one
docker volume create -o nosuch=1 xx
docker volume create -o type=tmpfs -o device=tmpfs -o o=size=1m tm
docker volume create -o type=tmpfs incomplete
docker volume create -o o=bind -o device=/no/such -o type=none gone
docker run --rm -v gone:/x busybox true
docker volume create 'a b'
docker volume create a
docker volume create ü
docker volume create /abs
docker volume create ../up
docker volume create | wc -c
docker volume ls -q | grep -vE '^[0-9a-f]{64}$'
docker volume ls -f name=o --format '{{.Name}} {{.Driver}} {{.Labels}} {{.Mountpoint}} {{.Scope}}'
docker volume ls -f label=a=1 -q
docker volume ls -f driver=local -q | grep -c .
docker volume ls -f driver=nosuch
docker volume ls -f dangling=false
docker volume ls -f dangling=nonsense
docker volume ls -f nosuch=1
docker volume inspect two
docker volume inspect one nosuch
docker run --rm -v one:/data busybox sh -c 'echo kept >/data/f'
docker run --rm -v one:/data:ro busybox sh -c 'cat /data/f; touch /data/g'
docker run --rm -v one:/etc busybox ls /etc
docker run --rm -v new:/etc busybox ls /etc
docker run --rm -v new2:/etc:nocopy busybox ls /etc
docker run --rm -v one:relative busybox true
docker run --rm -v one:/data:nonsense busybox true
docker run --rm -v one:/data:ro,rw busybox true
docker run --rm -v one:/ busybox true
docker run --rm -v /:/ busybox true
docker run --rm -v '' busybox true
docker run --rm -v : busybox true
docker run --rm -v a:b:c:d busybox true
docker run --rm -v 'sp ace:/data' busybox true
docker run --rm -v xx:/data busybox true
docker run --rm -v "$PWD/made:/data" busybox touch /data/file; ls made
docker run --rm -v ./rel:/data busybox touch /data/file; ls rel
docker run --rm -v one:/a -v two:/a busybox true
docker run --rm -v one:/a -v /a busybox true
docker run --rm -v one:/a --tmpfs /a busybox true
docker run --rm --mount type=bind,source=/no/such,target=/x busybox true
docker run --rm --mount type=bind,source=relative,target=/x busybox true
docker run --rm --mount type=bind,target=/x busybox true
docker run --rm --mount type=volume,source=one busybox true
docker run --rm --mount type=nosuch,target=/x busybox true
docker run --rm --mount type=tmpfs,source=a,target=/x busybox true
docker run --rm --mount type=volume,target=relative busybox true
docker run --rm --mount type=volume,source=one,target=/x,nosuch=1 busybox true
docker run --rm --mount type=volume,source=one,target=/x,readonly busybox touch /x/y
docker run --rm --mount type=volume,source=one,target=/x,bind-propagation=shared busybox true
docker run --rm --mount type=bind,source="$PWD",target=/x,bind-propagation=nosuch busybox true
docker run --rm --mount type=bind,source="$PWD",target=/x,volume-nocopy busybox true
docker run --rm --mount type=tmpfs,target=/x,tmpfs-mode=0700,tmpfs-size=100k busybox sh -c 'stat -c %a /x; df -k /x | tail -1 | tr -s " "'
docker run --rm --mount type=tmpfs,target=/x,tmpfs-size=-1 busybox true
docker run --rm --mount '' busybox true
docker run --rm --tmpfs relative busybox true
docker run --rm --tmpfs /x:nosuchoption busybox true
docker run --rm --tmpfs /x:ro busybox touch /x/a
docker run --rm -v "$PWD/vars:/data" -v one:/data/inner busybox ls /data
echo text >afile; docker run --rm -v "$PWD/afile:/etc/mine" busybox cat /etc/mine
docker run --rm -v "$PWD/afile:/tmp" busybox true
docker run -d --name user -v one:/data -v /anon busybox sleep 1000
docker run --rm --volumes-from user busybox ls /data
docker run --rm --volumes-from user:ro busybox touch /data/x
docker run --rm --volumes-from user:nonsense busybox true
docker run --rm --volumes-from nosuch busybox true
docker volume rm one
docker volume rm nosuch
docker volume rm -f nosuch
docker volume rm two nosuch
docker rm -fv user
docker volume rm one
docker volume ls -q
docker volume prune -f | sed 's/^[0-9a-f]\{64\}$/id/' | sort
docker volume prune -f --filter nosuch=1
docker volume prune -af --filter label=nosuch
docker volume prune -af
docker volume ls --quiet
docker volume update one
`,
);
