import { scenario } from "../scenario.ts";

export const copy = scenario(
  "copy",
  String.raw`
docker run -d --name ann busybox sh -c 'mkdir -p /d/sub; echo 1 >/d/one; echo 2 >/d/sub/two; ln -s one /d/link; ln -s /no/where /d/broken; touch /ready; sleep 1000'; until docker exec ann test -e /ready; do :; done
echo here >file; mkdir -p dir/in; echo deep >dir/in/deep
docker cp file ann:/tmp
docker cp file ann:/tmp/renamed
docker cp dir ann:/tmp
docker cp dir/. ann:/tmp/contents
docker cp file ann:/no/such/place
docker cp file ann:/no/such/ 2>&1 | grep -v level=error
docker cp dir ann:/etc/passwd 2>&1 | grep -v level=error
docker cp file ann:/etc/passwd/ 2>&1 | grep -v level=error
docker cp missing ann:/tmp
docker cp file nosuch:/tmp
docker cp ann:/tmp/missing .
docker cp ann:/d .
ls -R d
docker cp ann:/d/. contents; ls contents
docker cp ann:/d/one - | tar t
docker cp ann:/d/link - | tar tv | sed 's/.* link/link/'
docker cp -L ann:/d/link followed; cat followed
docker cp ann:/d/broken broken; readlink broken
docker cp ann:/d nosuchdir/x
docker cp ann:d/one relative; cat relative
docker cp ann:/d/one file2/
docker cp ann:/ - | tar t | grep -c '^bin/'
docker cp ann:/x ann:/y
docker cp file other
docker cp - ann:/tmp </dev/null
tar -c file | docker cp - ann:/tmp/missing
tar -c file | docker cp - ann:/etc/passwd
printf garbage | docker cp - ann:/tmp
docker cp '' ann:/tmp
docker cp ann: .
docker exec ann sh -c 'cd /tmp; ls -R'
docker diff ann | sort
docker diff nosuch
docker export ann | tar t | grep -E '^(d|tmp)/' | sort
docker export nosuch
docker export -o /no/such/x.tar ann
docker commit ann made:v1
docker run --rm made:v1 cat /d/one
docker commit -m 'why' -a 'who' -c 'CMD ["cat","/d/one"]' -c 'ENV X=1' -c 'LABEL l=2' -c 'EXPOSE 1' ann made:v2
docker run --rm made:v2
docker inspect -f '{{json .Config}} {{.Comment}} {{.Author}}' made:v2
docker history --format '{{.CreatedBy}}|{{.Comment}}' made:v2
docker commit -c 'RUN x' ann made:v3
docker commit -c 'NOSUCH' ann made:v3
docker commit ann UPPER
docker commit nosuch
docker commit -p=false ann | wc -c
docker kill ann
docker cp file ann:/tmp/after
docker cp ann:/tmp/after - | tar t
docker export ann | tar t | grep tmp/after
docker diff ann | sort | tail -3
docker create --name never busybox
docker cp file never:/tmp; docker diff never
docker create --name ro --read-only -v vol:/vol busybox; docker cp file ro:/vol/x; docker cp file ro:/x
`,
);
