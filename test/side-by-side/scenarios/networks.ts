import { scenario } from "../scenario.ts";

export const networks = scenario(
  "networks",
  String.raw`
docker network ls
docker network ls --format '{{.Name}} {{.Driver}} {{.Scope}} {{.IPv6}} {{.Internal}} {{.Labels}}'
docker network create one
docker network create one
docker network create --label a=1 --internal --subnet 10.200.1.0/24 --gateway 10.200.1.9 --ip-range 10.200.1.128/25 two
docker network inspect two
docker network create --subnet 10.200.1.0/25 overlap
docker network create --subnet nonsense xx
docker network create --subnet 10.200.2.1/24 notmasked
docker network create --gateway 10.200.2.1 xx
docker network create --subnet 10.200.3.0/24 --gateway 10.9.9.9 xx
docker network create --subnet 10.200.3.0/24 --ip-range 10.9.9.0/24 xx
docker network create --subnet 10.200.3.0/24 --aux-address a=10.9.9.9 xx
docker network create --driver nosuch xx
docker network create --driver host xx
docker network create --driver none xx
docker network create bridge
docker network create host
docker network create ''
docker network create 'a b'
docker network create a/b
docker network create ü
docker network create -o com.docker.network.bridge.name=waytoolongnameforalink xx
docker network create -o com.docker.network.driver.mtu=nonsense xx
docker network create --attachable --scope nosuch xx
docker network ls -f driver=bridge --format '{{.Name}}'
docker network ls -f name=o --format '{{.Name}}'
docker network ls -f label=a --format '{{.Name}}'
docker network ls -f type=custom --format '{{.Name}}'
docker network ls -f type=builtin --format '{{.Name}}'
docker network ls -f type=nonsense
docker network ls -f dangling=true --format '{{.Name}}'
docker network ls -f scope=local -q | wc -l
docker network ls -f nosuch=1
docker run -d --name ann --network one --network-alias al busybox sleep 1000
docker inspect -f '{{json .NetworkSettings.Networks}}' ann
docker network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}} {{.IPv6Address}}{{end}}' one
docker network connect two ann --ip 10.200.1.200
docker network connect two ann
docker network connect nosuch ann
docker network connect one nosuch
docker network connect host ann
docker network connect --ip 10.9.9.9 bridge ann
docker network connect bridge ann
docker exec ann ls /sys/class/net
docker inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{$v.IPAddress}} {{json $v.IPAMConfig}} {{end}}' ann
docker network rm one
docker network disconnect one ann
docker network disconnect one ann
docker network disconnect nosuch ann
docker network disconnect one nosuch
docker network disconnect -f one nosuch
docker network rm one
docker network rm one
docker network rm bridge
docker network rm nosuch two
docker network rm -f nosuch
docker run --rm --network two --ip 10.200.1.200 busybox true
docker run --rm --network two --ip 10.200.1.9 busybox true
docker run --rm --network two --ip 10.9.9.9 busybox true
docker run --rm --network two --ip nonsense busybox true
docker run --rm --network bridge --network-alias x busybox true
docker run --rm --network host --network two busybox true
docker run --rm --network two -p 18107:80 busybox true
docker run --rm --mac-address nonsense busybox true
docker run --rm --mac-address 02:42:ac:11:00:99 busybox cat /sys/class/net/eth0/address
docker run --rm --network container:ann busybox ls /sys/class/net
docker run --rm --network container:ann -p 80 busybox true
docker run --rm --network container:ann -h x busybox true
docker create --name hosted --network host busybox
docker network connect two hosted
docker network disconnect host hosted
docker run --rm --link nosuch busybox true
docker run --rm --link ann:a:a busybox true
docker run --rm --network '' busybox true
docker network prune -f | sort
docker network prune -f --filter until=nonsense
docker network prune -f --filter nosuch=1
docker network inspect -f '{{.Name}}' bridge nosuch
docker rm -f ann hosted
docker network prune -f
`,
);
