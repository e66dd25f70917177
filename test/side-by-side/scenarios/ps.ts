import { scenario } from "../scenario.ts";

export const ps = scenario(
  "ps",
  String.raw`
docker ps
docker run -d --name live -l role=web -p 18104:80 -p 18105-18106:90-91 --expose 99/udp busybox sleep 1000
docker run --name done -l role=db busybox true
docker run --name failed busybox sh -c 'exit 4'
docker create --name fresh -v data:/data -l role=web busybox sh -c 'echo a rather long command line that is cut'
docker ps
docker ps -a
docker ps -a --no-trunc --format '{{.Names}} {{.Command}} {{.Image}} {{.Mounts}}'
docker ps -a --format '{{.Names}}: {{.Command}} {{.Status}} {{.State}} {{.RunningFor}} {{.Labels}} {{.Label "role"}} {{.LocalVolumes}} {{.Networks}} {{.Ports}}'
docker ps -a --format 'table {{.Names}}\t{{.Image}}\t{{.Ports}}'
docker ps --format '{{json .Names}} {{json .ID}}' 
docker ps --format '{{.NoSuch}}'
docker ps --format '{{'
docker ps --format ''
docker ps -q | wc -l
docker ps -aq --no-trunc
docker ps -l --format '{{.Names}}'
docker ps -n 2 --format '{{.Names}}'
docker ps -n -1 --format '{{.Names}}'
docker ps -n 0 --format '{{.Names}}'
docker ps -as --format '{{.Names}} {{.Size}}'
docker ps -a -f status=exited --format '{{.Names}}'
docker ps -f status=created --format '{{.Names}}'
docker ps -a -f status=running -f status=created --format '{{.Names}}'
docker ps -a -f status=nonsense
docker ps -a -f exited=4 --format '{{.Names}}'
docker ps -a -f exited=0 --format '{{.Names}}'
docker ps -a -f exited=x
docker ps -a -f name=ai --format '{{.Names}}'
docker ps -a -f 'name=^/live$' --format '{{.Names}}'
docker ps -a -f 'name=^fresh$' --format '{{.Names}}'
docker ps -a -f 'name=[' --format '{{.Names}}'
docker ps -a -f label=role --format '{{.Names}}'
docker ps -a -f label=role=web --format '{{.Names}}'
docker ps -a -f label=role=web -f label=none --format '{{.Names}}'
docker ps -a -f ancestor=busybox --format '{{.Names}}'
docker ps -a -f ancestor=nosuch --format '{{.Names}}'
docker ps -a -f before=failed --format '{{.Names}}'
docker ps -a -f since=done --format '{{.Names}}'
docker ps -a -f since=nosuch
docker ps -a -f volume=data --format '{{.Names}}'
docker ps -a -f volume=/data --format '{{.Names}}'
docker ps -a -f network=bridge --format '{{.Names}}'
docker ps -a -f network=none --format '{{.Names}}'
docker ps -a -f publish=18104 --format '{{.Names}}'
docker ps -a -f publish=18105/tcp --format '{{.Names}}'
docker ps -a -f expose=99/udp --format '{{.Names}}'
docker ps -a -f expose=90-91 --format '{{.Names}}'
docker ps -a -f publish=nonsense
docker ps -a -f health=none --format '{{.Names}}'
docker ps -a -f health=nonsense
docker ps -a -f is-task=true
docker ps -a -f id=0 -f name=zzz
docker ps -a -f id=zzz
docker ps -f nosuch=1
docker ps -f nonsense
docker ps -f ''
docker ps extra
docker pause live
docker ps -f status=paused --format '{{.Names}} {{.Status}}'
docker unpause live
docker tag busybox other:v1
docker rmi -f busybox
docker ps -a --format '{{.Names}} {{.Image}}' -n 1
docker tag other:v1 busybox
`,
);
