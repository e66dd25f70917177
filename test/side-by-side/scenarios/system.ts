import { scenario } from "../scenario.ts";

export const system = scenario(
  "system",
  String.raw`
docker version --format '{{json .Server.Os}} {{.Server.Arch}} {{.Server.MinAPIVersion}}'
docker info --format '{{.Containers}} {{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}} {{.Images}} {{.Driver}} {{.LoggingDriver}} {{.OSType}} {{.DefaultRuntime}} {{.Swarm.LocalNodeState}} {{.IndexServerAddress}} {{.LiveRestoreEnabled}} {{.ExperimentalBuild}}'
docker info --format '{{json .Plugins.Network}} {{json .Plugins.Volume}} {{json .Plugins.Log}}'
docker info --format '{{json .SecurityOptions}} {{json .Warnings}} {{json .RegistryConfig.IndexConfigs}}'
docker info --format '{{.NoSuch}}'
docker system df | sed 's/[0-9.]*MB/N/g'
docker system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'
SINCE=$(date +%s.%N); docker run --name ann busybox true; docker rm ann; docker volume create vol1; docker volume rm vol1; docker network create net1; docker network rm net1; docker tag busybox tee:1; docker rmi tee:1; echo $SINCE >since
docker events --since $(cat since) --until $(($(date +%s)+1)) --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}'
docker events --since $(cat since) --until 0s -f type=container --format '{{.Action}} {{json .Actor.Attributes}} {{.Status}} {{.Scope}}' | sed 's/"execDuration":"[0-9]*",//'
docker events --since $(cat since) --until 0s -f event=create -f event=die --format '{{.Type}} {{.Action}} {{.From}}'
docker events --since $(cat since) --until 0s -f type=image -f type=volume --format '{{.Type}} {{.Action}} {{json .Actor.Attributes}}'
docker events --since $(cat since) --until 0s -f container=ann --format '{{.Action}}'
docker events --since $(cat since) --until 0s -f network=net1 --format '{{.Action}} {{json .Actor.Attributes}}'
docker events --since $(cat since) --until 0s -f image=busybox --format '{{.Type}} {{.Action}}'
docker events --since $(cat since) --until 0s -f label=nosuch
docker events --since $(cat since) --until 0s -f nosuch=1
docker events --since nonsense
docker events --until 1h --since 2h
docker events --since $(cat since) --until 0s -f type=container -f event=destroy
docker events --since 0 --until 0s -f event=nosuch
docker run -d --name live busybox sleep 1000; docker create --name idle busybox; docker volume create kept; docker network create kept
docker system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'
docker system df -v --format '{{json .Containers}}' | tr -d '\n' | wc -l
docker container prune -f
docker system prune -f
docker system prune -f --volumes
docker system prune -f --filter until=nonsense
docker system prune -f --filter nosuch=1
docker system prune -f --volumes --filter until=1h
docker volume ls -q
docker builder prune -f
docker login -u ann -p bob 127.0.0.1:1
docker logout 127.0.0.1:1
docker swarm init
docker node ls
docker service ls
docker secret ls
docker plugin ls
docker checkpoint ls live
docker nosuch
docker --host tcp://127.0.0.1:1 ps
`,
);
