import { scenario } from "../scenario.ts";

export const images = scenario(
  "images",
  String.raw`
docker images
docker images --digests --no-trunc
docker images -q
docker images --format '{{.Repository}} {{.Tag}} {{.Digest}} {{.CreatedAt}} {{.Size}}'
docker images nosuch
docker images 'busy*'
docker images busybox:late
docker images -f dangling=true
docker images -f dangling=nonsense
docker images -f reference='busy*:*' --format '{{.Repository}}'
docker images -f since=busybox
docker images -f before=nosuch
docker images -f label=x
docker images -f nosuch=1
docker images a b
docker tag busybox one:v1
docker tag busybox registry.example:5000/deep/two
docker tag busybox one
docker tag nosuch x
docker tag busybox UPPER
docker tag busybox a:b:c
docker tag busybox 'a b'
docker tag busybox x:-bad
docker tag busybox sha256:x
docker tag busybox ''
docker tag busybox $(printf 'a%.0s' $(seq 300))
docker images --format '{{.Repository}}:{{.Tag}}' | sort
docker rmi one:v1
docker rmi nosuch
docker rmi one nosuch registry.example:5000/deep/two
docker rmi ''
docker rmi 'a b'
docker create --name user busybox
docker rmi busybox
docker rmi $(docker images -q busybox)
docker tag busybox second
docker rmi $(docker images -q busybox)
docker rmi second
docker run -d --name live busybox sleep 1000
docker rmi busybox
docker rmi -f $(docker images -q busybox)
docker rm -f live user
docker history busybox
docker history --no-trunc --format '{{.ID}} {{.CreatedBy}} {{.Size}} {{.Comment}}' busybox
docker history -q busybox
docker history -H=false --format '{{.CreatedSince}} {{.CreatedAt}}' busybox
docker history nosuch
docker save busybox -o b.tar; tar tf b.tar | grep -c manifest.json
docker save nosuch
docker save -o /no/such/folder/x.tar busybox
docker save busybox nosuch >x.tar
docker save
docker rmi busybox
docker images -a
docker load -i b.tar
docker load -q -i b.tar
docker load <b.tar
docker load -i missing.tar
printf 'not a tar' | docker load
docker load </dev/null
printf '' | gzip | docker load
docker save $(docker images -q busybox) | docker load
mkdir d; echo hi >d/file; tar -C d -c file | docker import - made:v1
docker run --rm made:v1 true
docker inspect -f '{{json .Config.Cmd}} {{.Comment}} {{.Architecture}}' made:v1
tar -C d -c file | docker import -m 'a message' -c 'CMD ["a","b"]' -c 'ENV X=1 Y="2 3"' -c 'LABEL l=1' -c 'EXPOSE 80' -c 'USER me' -c 'WORKDIR /w' - made:v2
docker inspect -f '{{json .Config}} {{.Comment}}' made:v2
docker history --format '{{.CreatedBy}}|{{.Size}}|{{.Comment}}' made:v2
tar -C d -c file | docker import -c 'RUN true' - made:v3
tar -C d -c file | docker import -c 'NOSUCH x' - made:v3
tar -C d -c file | docker import -c '' - UPPER
tar -C d -c file | docker import -
printf garbage | docker import - bad:v1
docker import missing.tar
docker import http://127.0.0.1:1/x.tar
docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}' | sort
docker pull 127.0.0.1:1/nosuch
docker pull a:b:c
docker push nosuch
docker push 127.0.0.1:1/nosuch
docker image ls -f reference=made
docker image rm made:v1 made:v2
docker image prune -f
docker image prune -f --filter nosuch=1
docker image prune -f --filter until=nonsense
docker image inspect ''
docker image inspect 'a b'
docker image ls 'a b'
docker image ls UPPER
`,
);
