import { scenario } from "../scenario.ts";

export const resources = scenario(
  "resources",
  String.raw`
docker run -d --name ported busybox sleep 1000
docker create --name dee busybox
docker update --memory 32m --memory-swap 64m ported
docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}' ported
docker update --memory 1m ported
docker update --restart always dee
docker inspect -f '{{json .HostConfig.RestartPolicy}}' dee
docker update --restart nonsense dee
docker update --cpus 0.5 --pids-limit 10 ported; docker inspect -f '{{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}' ported
docker update nosuch
docker update --memory 64m nosuch
docker update --restart no dee
docker stats --no-stream --format '{{.Name}} {{.PIDs}}' ported
docker stats --no-stream --format '{{.Name}}' nosuch
docker stats --no-stream -a --format '{{.Name}} {{.PIDs}} {{.MemPerc}}' dee
`,
);
