import { scenario } from "../scenario.ts";

export const inspect = scenario(
  "inspect",
  String.raw`
docker create --name ann -l k=v -l 'odd key=x y' -e E=1 -p 18102:80/tcp -p 127.0.0.1::53/udp --expose 99 -v /mnt -v "$PWD:/here:ro" -v vol:/vol --mount type=tmpfs,target=/t,tmpfs-size=1m --restart on-failure:3 --memory 64m --cpus 1.5 --health-cmd 'exit 1' --health-retries 2 --ulimit nofile=10 --cap-add NET_ADMIN --sysctl net.ipv4.ip_forward=1 busybox echo 'a b'
docker inspect -f '{{.Name}} {{.Path}} {{.Args}} {{.RestartCount}} {{.Driver}} {{.Platform}}' ann
docker inspect -f '{{json .State}}' ann
docker inspect -f '{{json .Config}}' ann
docker inspect -f '{{json .HostConfig}}' ann
docker inspect -f '{{json .NetworkSettings}}' ann
docker inspect -f '{{range .Mounts}}{{if eq .Type "volume"}}{{if eq .Name "vol"}}{{json .}}{{end}}{{else}}{{json .}}{{end}}{{println}}{{end}}' ann
docker inspect -f '{{index .Config.Labels "odd key"}} {{.Config.Labels.k}} {{len .Config.Env}} {{.State.Status | upper}}' ann
docker inspect -f '{{join .Args ","}} {{(index .Config.Env 0)}} {{printf "%T %v" .HostConfig.Memory .HostConfig.NanoCpus}}' ann
docker inspect -f '{{.NoSuch}}' ann
docker inspect -f '{{.State.NoSuch}}' ann
docker inspect -f '{{range' ann
docker inspect -f '{{index .Config.Env 99}}' ann
docker inspect -f '{{.LogPath}} {{.ResolvConfPath}} {{.HostnamePath}} {{.HostsPath}}' ann
docker inspect -f '{{.MountLabel}}|{{.ProcessLabel}}|{{.AppArmorProfile}}|{{.ExecIDs}}' ann
docker inspect -s -f '{{.SizeRw}} {{.SizeRootFs}}' ann | tr 0-9 n
docker inspect -f '{{.SizeRw}}' ann
docker inspect --type image ann
docker inspect --type volume ann
docker inspect --type nonsense ann
docker inspect nosuch
docker inspect ann nosuch -f '{{.Name}}'
docker inspect ''
docker inspect -f '{{json .HostConfig.PortBindings}}' ann
docker start ann; docker wait ann
docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Running}} {{.State.Pid}} {{.State.OOMKilled}} {{.State.Error}}' ann
docker inspect -f '{{json .NetworkSettings}}' ann
docker run -d --name live -p 18103:80 busybox sleep 1000
docker inspect -f '{{json .NetworkSettings.Ports}} {{.NetworkSettings.IPAddress}} {{.NetworkSettings.Gateway}} {{.NetworkSettings.IPPrefixLen}}' live
docker inspect -f '{{json .NetworkSettings.Networks}}' live
docker inspect -f '{{.State.Status}} {{gt .State.Pid 0}} {{.State.FinishedAt}} {{json .State.Health}}' live
docker inspect -f '{{.Config.Hostname}} {{.Config.Image}} {{.Image}}' live
docker run -d --name hosted --network host busybox sleep 1000
docker inspect -f '{{json .NetworkSettings.Networks}} {{json .NetworkSettings.Ports}} {{.HostConfig.NetworkMode}}' hosted
docker run -d --name shared --network container:live busybox sleep 1000
docker inspect -f '{{json .NetworkSettings.Networks}} {{eq .Config.Hostname "x"}}' shared
docker run --name failed busybox nosuch
docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}} {{.State.StartedAt}}' failed
docker image inspect -f '{{json .Config}}' busybox
docker image inspect -f '{{json .RepoTags}} {{json .RepoDigests}} {{.Architecture}} {{.Os}} {{.Created}} {{.Author}}|{{.Comment}}|{{.Parent}}|{{json .RootFS}}' busybox
docker image inspect nosuch
docker image inspect -f '{{.Id}}' busybox busybox:latest nosuch:x
docker network inspect -f '{{.Name}} {{.Driver}} {{.Scope}} {{json .IPAM}} {{.Internal}} {{json .Options}} {{json .Labels}}' bridge | sed 's/mtu":"[0-9]*/mtu":"N/'
docker network inspect -f '{{.Name}} {{.Driver}} {{json .IPAM}} {{json .Options}}' host none
docker network inspect nosuch
docker volume inspect vol
docker volume inspect nosuch
docker container inspect nosuch
`,
);
