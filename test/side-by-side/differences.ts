import type { Difference } from "./compare.ts";

const because = (why: string, cases: Omit<Difference, "why">[]): Difference[] => cases.map((one) => ({ ...one, why }));

/** What gantryd answers otherwise than dockerd and is to: only the fields that differ, as gantryd has them. */
export const differences: Difference[] = [
  ...because("Docker 28 words it so", [
    {
      scenario: "run",
      command: "docker run --rm busybox /etc",
      stderr:
        "docker: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/etc\": is a directory: unknown\n\nRun 'docker run --help' for more information\n",
    },
    {
      scenario: "exec",
      command: "docker exec ann /etc",
      stdout:
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "/etc": is a directory: unknown\r\n',
    },
    {
      scenario: "run",
      command: "docker run --rm --runtime nosuch busybox true",
      stderr:
        "docker: Error response from daemon: unknown or invalid runtime name: nosuch\n\nRun 'docker run --help' for more information\n",
    },
    {
      scenario: "run",
      command: "docker run --restart nonsense busybox true",
      stderr:
        "docker: Error response from daemon: invalid restart policy: unknown policy 'nonsense'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'\n\nRun 'docker run --help' for more information\n",
    },
    {
      scenario: "run",
      command: "docker run --restart always:3 busybox true",
      stderr:
        "docker: Error response from daemon: invalid restart policy: maximum retry count can only be used with 'on-failure'\n\nRun 'docker run --help' for more information\n",
    },
    {
      scenario: "run",
      command: "docker run --restart on-failure:-1 busybox true",
      stderr:
        "docker: Error response from daemon: invalid restart policy: maximum retry count cannot be negative\n\nRun 'docker run --help' for more information\n",
    },
    {
      scenario: "run",
      command: "docker run --rm --log-opt max-size=nonsense busybox true",
      stderr:
        "docker: Error response from daemon: failed to create task for container: failed to initialize logging driver: invalid size: 'nonsense'\n\nRun 'docker run --help' for more information\n",
    },
    {
      scenario: "run",
      command: "docker run --rm --pull never --platform linux/nosuch busybox true",
      stderr:
        "docker: Error response from daemon: image with reference busybox was found but its platform (linux/amd64) does not match the specified platform (linux/nosuch)\n\nRun 'docker run --help' for more information\n",
    },
    {
      scenario: "ps",
      command: "docker ps -a -f status=nonsense",
      stderr: "Error response from daemon: invalid value for status filter: invalid container state (nonsense)\n",
    },
    {
      scenario: "ps",
      command: "docker ps -a -f since=nosuch",
      stderr: "Error response from daemon: No such container: nosuch\n",
    },
    {
      scenario: "ps",
      command: "docker ps -a -f health=nonsense",
      stderr: "Error response from daemon: invalid value for health filter: invalid health status (nonsense)\n",
    },
    {
      scenario: "build",
      command: "printf 'FROM busybox\\nCOPY --nosuch=1 a b\\n' | docker build -",
      stderr:
        "DEPRECATED: The legacy builder is deprecated and will be removed in a future release.\n            BuildKit is currently disabled; enable it by removing the DOCKER_BUILDKIT=0\n            environment-variable.\n\nError response from daemon: dockerfile parse error line 2: unknown flag: --nosuch\n",
    },
    {
      scenario: "build",
      command: "printf 'FROM busybox\\nCOPY ../up /\\n' >c/d3; docker build -f c/d3 c",
      stderr:
        "DEPRECATED: The legacy builder is deprecated and will be removed in a future release.\n            BuildKit is currently disabled; enable it by removing the DOCKER_BUILDKIT=0\n            environment-variable.\n\nCOPY failed: file not found in build context or excluded by .dockerignore: stat up: file does not exist\n",
    },
    {
      scenario: "build",
      command: "printf 'FROM busybox\\nEXPOSE nonsense\\n' | docker build -",
      stderr:
        "DEPRECATED: The legacy builder is deprecated and will be removed in a future release.\n            BuildKit is currently disabled; enable it by removing the DOCKER_BUILDKIT=0\n            environment-variable.\n\ninvalid containerPort: nonsense\n",
    },
    {
      scenario: "build",
      command: "printf 'FROM busybox\\nSTOPSIGNAL nonsense\\n' | docker build -",
      stderr:
        "DEPRECATED: The legacy builder is deprecated and will be removed in a future release.\n            BuildKit is currently disabled; enable it by removing the DOCKER_BUILDKIT=0\n            environment-variable.\n\ninvalid signal: nonsense\n",
    },
    {
      scenario: "build",
      command: "printf 'FROM busybox\\n' | docker build --target nosuch -",
      stderr:
        'DEPRECATED: The legacy builder is deprecated and will be removed in a future release.\n            BuildKit is currently disabled; enable it by removing the DOCKER_BUILDKIT=0\n            environment-variable.\n\nError response from daemon: target stage "nosuch" could not be found\n',
    },
    {
      scenario: "networks",
      command: "docker network create --subnet 10.200.1.0/25 overlap",
      stderr: "Error response from daemon: invalid pool request: Pool overlaps with other one on this address space\n",
    },
    {
      scenario: "networks",
      command: "docker network create --driver nosuch xx",
      stderr: "Error response from daemon: could not find plugin nosuch in v1 plugin registry: plugin not found\n",
    },
    {
      scenario: "networks",
      command: "docker network create --driver none xx",
      stderr: "Error response from daemon: could not find plugin none in v1 plugin registry: plugin not found\n",
    },
    {
      scenario: "networks",
      command: "docker run --rm --network two --ip 10.9.9.9 busybox true",
      stderr:
        "docker: Error response from daemon: no configured subnet contains IP address 10.9.9.9\n\nRun 'docker run --help' for more information\n",
    },
    {
      scenario: "copy",
      command: "docker cp ann: .",
      stderr: "Error response from daemon: bad parameter: 'path' cannot be empty\n",
    },
    {
      scenario: "life",
      command: "docker run --rm --name bound -p 1.2.3.4:18113:80 busybox true",
      stderr:
        "docker: Error response from daemon: failed to bind host port 1.2.3.4:18113/tcp: cannot assign requested address\n\nRun 'docker run --help' for more information\n",
    },
    {
      scenario: "life",
      command: "docker rm ported",
      stderr:
        'Error response from daemon: cannot remove container "ported": container is running: stop the container before removing or force remove\n',
    },
    {
      scenario: "resources",
      command: "docker update --restart nonsense dee",
      stderr:
        "Error response from daemon: invalid restart policy: unknown policy 'nonsense'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'\n",
    },
    {
      scenario: "system",
      command:
        "docker info --format '{{json .SecurityOptions}} {{json .Warnings}} {{json .RegistryConfig.IndexConfigs}}'",
      stdout:
        '["name=seccomp,profile=builtin"] null {"docker.io":{"Name":"docker.io","Mirrors":[],"Secure":true,"Official":true}}\n',
    },
    {
      scenario: "odd",
      command:
        "docker create --ipc private --shm-size 2m --name ipc busybox true; docker run --rm --ipc container:ipc busybox true",
      stderr:
        "docker: Error response from daemon: failed to join IPC namespace: container ID1_____________________________________________________________: non-shareable IPC (hint: use IpcMode:shareable for the donor container)\n\nRun 'docker run --help' for more information\n",
    },
  ]),
  ...because("Docker 28 does so", [
    {
      scenario: "run",
      command:
        "docker run --rm --dns 9.9.9.9 --dns-search example.org --dns-option ndots:3 busybox grep -v '^#' /etc/resolv.conf",
      stdout: "nameserver 9.9.9.9\nsearch example.org\noptions ndots:3\n",
    },
    { scenario: "exec", command: "docker exec ann nosuch", code: 127 },
    { scenario: "exec", command: "docker exec ann ''", code: 127 },
    {
      scenario: "build",
      command: "printf 'FROM busybox\\nRUN <<E\\necho heredoc\\nE\\n' | docker build -",
      code: 0,
      stdout:
        "Sending build context to Docker daemon  2.048kB\r\r\nStep 1/2 : FROM busybox\n ---> ID1_________\nStep 2/2 : RUN <<E\n ---> Running in ID2_________\nheredoc\nRemoving intermediate container ID2_________\n ---> ID3_________\nSuccessfully built ID3_________\n",
      stderr:
        "DEPRECATED: The legacy builder is deprecated and will be removed in a future release.\n            BuildKit is currently disabled; enable it by removing the DOCKER_BUILDKIT=0\n            environment-variable.\n\n",
    },
    {
      scenario: "networks",
      command: "docker network inspect two",
      stdout:
        '[\n    {\n        "Name": "two",\n        "Id": "ID1_____________________________________________________________",\n        "Created": "<day>T<time>.<ns>Z",\n        "Scope": "local",\n        "Driver": "bridge",\n        "EnableIPv4": true,\n        "EnableIPv6": false,\n        "IPAM": {\n            "Driver": "default",\n            "Options": {},\n            "Config": [\n                {\n                    "Subnet": "10.200.1.0/24",\n                    "IPRange": "10.200.1.128/25",\n                    "Gateway": "10.200.1.9"\n                }\n            ]\n        },\n        "Internal": true,\n        "Attachable": false,\n        "Ingress": false,\n        "ConfigFrom": {\n            "Network": ""\n        },\n        "ConfigOnly": false,\n        "Containers": {},\n        "Options": {},\n        "Labels": {\n            "a": "1"\n        }\n    }\n]\n',
    },
    {
      scenario: "networks",
      command: "docker network create --subnet 10.200.2.1/24 notmasked",
      code: 1,
      stdout: "",
      stderr: "Error response from daemon: invalid subnet 10.200.2.1/24: it should be 10.200.2.0/24\n",
    },
    {
      scenario: "networks",
      command: "docker inspect -f '{{json .NetworkSettings.Networks}}' ann",
      stdout:
        '{"one":{"IPAMConfig":null,"Links":null,"Aliases":["al"],"MacAddress":"<mac>","DriverOpts":null,"GwPriority":0,"NetworkID":"ID1_____________________________________________________________","EndpointID":"ID2_____________________________________________________________","Gateway":"<pool>.1","IPAddress":"<pool>.2","IPPrefixLen":24,"IPv6Gateway":"","GlobalIPv6Address":"","GlobalIPv6PrefixLen":0,"DNSNames":["ann","al","ID3_________"]}}\n',
    },
    {
      scenario: "volumes",
      command: "docker volume prune -f | sed 's/^[0-9a-f]\\{64\\}$/id/' | sort",
      stdout: "\nDeleted Volumes:\nTotal reclaimed space: 0B\nid\n",
    },
    { scenario: "system", command: "docker system prune -f --volumes", stdout: "Total reclaimed space: 0B\n" },
    { scenario: "system", command: "docker volume ls -q", stdout: "kept\n" },
    {
      scenario: "odd",
      command: "docker create --kernel-memory 1m busybox",
      code: 0,
      stdout: "ID1_____________________________________________________________\n",
      stderr: "",
    },
    {
      scenario: "odd",
      command: "docker create --cpu-shares -5 busybox",
      code: 1,
      stdout: "",
      stderr: "Error response from daemon: invalid CPU shares (-5): value must be a positive integer\n",
    },
    {
      scenario: "odd",
      command: "docker run --rm busybox sh -c 'cat /etc/hosts /etc/hostname' | tr '\\t' ' '",
      stdout:
        "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\nfe00:: ip6-localnet\nff00:: ip6-mcastprefix\nff02::1 ip6-allnodes\nff02::2 ip6-allrouters\n<net>.4 ID1_________\nID1_________\n",
    },
  ]),
  ...because("gantryd says what is wrong", [
    {
      scenario: "ps",
      command: "docker ps -a -f publish=nonsense",
      stderr:
        "Error response from daemon: error while looking up for publish nonsense: a port like 80, 80-90 or 80/udp is expected\n",
    },
    {
      scenario: "images",
      command: "docker save nosuch",
      stderr: "Error response from daemon: No such image: nosuch:latest\n",
    },
    {
      scenario: "images",
      command: "docker save busybox nosuch >x.tar",
      stderr: "Error response from daemon: No such image: nosuch:latest\n",
    },
    {
      scenario: "images",
      command: "printf 'not a tar' | docker load",
      stderr: "Error response from daemon: unexpected EOF\n",
    },
    { scenario: "images", command: "docker load </dev/null", stderr: "Error response from daemon: unexpected EOF\n" },
    {
      scenario: "images",
      command: "printf '' | gzip | docker load",
      stderr: "Error response from daemon: unexpected EOF\n",
    },
    {
      scenario: "images",
      command: "tar -C d -c file | docker import -c 'NOSUCH x' - made:v3",
      stderr: "Error response from daemon: dockerfile parse error line 1: unknown instruction: NOSUCH\n",
    },
    {
      scenario: "images",
      command: "printf garbage | docker import - bad:v1",
      stderr: "Error response from daemon: bad archive: unexpected end of the archive\n",
    },
    {
      scenario: "networks",
      command: "docker network create --subnet nonsense xx",
      stderr: "Error response from daemon: invalid CIDR address: nonsense\n",
    },
    {
      scenario: "networks",
      command: "docker network create ''",
      stderr: 'Error response from daemon: invalid network name: "": only [a-zA-Z0-9][a-zA-Z0-9_.: @-]* is allowed\n',
    },
    {
      scenario: "networks",
      command: "docker network create -o com.docker.network.bridge.name=waytoolongnameforalink xx",
      stderr:
        'Error response from daemon: invalid bridge name "waytoolongnameforalink": at most 15 of [a-zA-Z0-9_.-]\n',
    },
    {
      scenario: "networks",
      command: "docker network create -o com.docker.network.driver.mtu=nonsense xx",
      stderr: "Error response from daemon: invalid MTU: nonsense\n",
    },
    {
      scenario: "copy",
      command: "printf garbage | docker cp - ann:/tmp",
      stderr: "Error response from daemon: bad archive: unexpected end of the archive\n",
    },
    {
      scenario: "copy",
      command: "docker commit -c 'NOSUCH' ann made:v3",
      stderr: "Error response from daemon: dockerfile parse error line 1: unknown instruction: NOSUCH\n",
    },
  ]),
  ...because(
    "a network's name is taken as a file's, in addresses of the API and in filters: letters, digits and a few signs",
    [
      {
        scenario: "networks",
        command: "docker network create a/b",
        code: 1,
        stdout: "",
        stderr:
          'Error response from daemon: invalid network name: "a/b": only [a-zA-Z0-9][a-zA-Z0-9_.: @-]* is allowed\n',
      },
      {
        scenario: "networks",
        command: "docker network create ü",
        code: 1,
        stdout: "",
        stderr:
          'Error response from daemon: invalid network name: "ü": only [a-zA-Z0-9][a-zA-Z0-9_.: @-]* is allowed\n',
      },
      {
        scenario: "networks",
        command: "docker network ls -f driver=bridge --format '{{.Name}}'",
        stdout: "a b\nbridge\none\ntwo\n",
      },
      {
        scenario: "networks",
        command: "docker network ls -f name=o --format '{{.Name}}'",
        stdout: "host\nnone\none\ntwo\n",
      },
      {
        scenario: "networks",
        command: "docker network ls -f type=custom --format '{{.Name}}'",
        stdout: "a b\none\ntwo\n",
      },
      {
        scenario: "networks",
        command: "docker network ls -f dangling=true --format '{{.Name}}'",
        stdout: "a b\none\ntwo\n",
      },
      { scenario: "networks", command: "docker network ls -f scope=local -q | wc -l", stdout: "6\n" },
      { scenario: "networks", command: "docker network prune -f | sort", stdout: "\nDeleted Networks:\na b\n" },
    ],
  ),
  ...because("the recorded dockerd speaks version 1.41 of the API", [
    {
      scenario: "networks",
      command: "docker run --rm --mac-address 02:42:ac:11:00:99 busybox cat /sys/class/net/eth0/address",
      code: 0,
      stdout: "<mac>\n",
      stderr: "",
    },
    {
      scenario: "volumes",
      command: "docker volume prune -af --filter label=nosuch",
      code: 0,
      stdout: "Total reclaimed space: 0B\n",
      stderr: "",
    },
    {
      scenario: "volumes",
      command: "docker volume prune -af",
      code: 0,
      stdout: "Deleted Volumes:\nnew\nnew2\nxx\n\nTotal reclaimed space: 114B\n",
      stderr: "",
    },
    {
      scenario: "volumes",
      command: "docker volume update one",
      stderr: "Error response from daemon: get one: no such volume\n",
    },
  ]),
  ...because("gantryd refuses it at once, dockerd later or never", [
    {
      scenario: "volumes",
      command: "docker run --rm -v : busybox true",
      code: 125,
      stderr:
        "docker: Error response from daemon: invalid mount path: ':' mount path must be absolute\n\nRun 'docker run --help' for more information\n",
    },
    {
      scenario: "odd",
      command: "docker create -h $(printf 'h%.0s' $(seq 100)) busybox",
      code: 1,
      stdout: "",
      stderr:
        "Error response from daemon: invalid hostname: 'hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh' has more than 64 characters\n",
    },
  ]),
  ...because("crun's own ways, where dockerd ran runc", [
    {
      scenario: "volumes",
      command: 'docker run --rm -v "$PWD/afile:/tmp" busybox true',
      stderr:
        'docker: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error mounting "<here>/afile" to rootfs at "/tmp": not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type\n\nRun \'docker run --help\' for more information\n',
    },
    {
      scenario: "odd",
      command:
        'echo \'{"defaultAction":"NOSUCH"}\' >bad2.json; docker create --security-opt seccomp=bad2.json --name sc busybox true; docker start -a sc',
      stderr:
        "Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: invalid seccomp action `NOSUCH`: unknown\n",
    },
    {
      scenario: "odd",
      command: "docker run --rm busybox sh -c 'ls -d /dev/*; ls -l /dev/fd /dev/stdin | sed \"s/.*\\/dev/\\/dev/\"'",
      stderr: "ls: /dev/core: No such file or directory\n",
    },
  ]),
  ...because("Docker 28 takes nothing older than 1.24 either", [
    {
      scenario: "system",
      command: "docker version --format '{{json .Server.Os}} {{.Server.Arch}} {{.Server.MinAPIVersion}}'",
      stdout: '"linux" amd64 1.24\n',
    },
  ]),
  ...because("gantryd prefers crun, and containers outlive it always", [
    {
      scenario: "system",
      command:
        "docker info --format '{{.Containers}} {{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}} {{.Images}} {{.Driver}} {{.LoggingDriver}} {{.OSType}} {{.DefaultRuntime}} {{.Swarm.LocalNodeState}} {{.IndexServerAddress}} {{.LiveRestoreEnabled}} {{.ExperimentalBuild}}'",
      stdout: "0 0 0 0 1 overlay2 json-file linux crun inactive https://index.docker.io/v1/ true false\n",
    },
  ]),
  ...because("drivers that gantryd has", [
    {
      scenario: "system",
      command: "docker info --format '{{json .Plugins.Network}} {{json .Plugins.Volume}} {{json .Plugins.Log}}'",
      stdout: '["bridge","host","null"] ["local"] ["fluentd","gelf","journald","json-file","local","syslog"]\n',
    },
  ]),
  ...because("gantryd has taken the network down by the time it says that a container died", [
    {
      scenario: "system",
      command: "docker events --since $(cat since) --until 0s -f nosuch=1",
      stdout:
        "<day>T<time>.<ns>Z container create ID1_____________________________________________________________ (image=busybox, name=ann)\n<day>T<time>.<ns>Z container attach ID1_____________________________________________________________ (image=busybox, name=ann)\n<day>T<time>.<ns>Z network connect ID2_____________________________________________________________ (container=ID1_____________________________________________________________, name=bridge, type=bridge)\n<day>T<time>.<ns>Z container start ID1_____________________________________________________________ (image=busybox, name=ann)\n<day>T<time>.<ns>Z network disconnect ID2_____________________________________________________________ (container=ID1_____________________________________________________________, name=bridge, type=bridge)\n<day>T<time>.<ns>Z container die ID1_____________________________________________________________ (execDuration=0, exitCode=0, image=busybox, name=ann)\n<day>T<time>.<ns>Z container destroy ID1_____________________________________________________________ (image=busybox, name=ann)\n<day>T<time>.<ns>Z volume create vol1 (driver=local)\n<day>T<time>.<ns>Z volume destroy vol1 (driver=local)\n<day>T<time>.<ns>Z network create ID3_____________________________________________________________ (name=net1, type=bridge)\n<day>T<time>.<ns>Z network destroy ID3_____________________________________________________________ (name=net1, type=bridge)\n<day>T<time>.<ns>Z image tag sha256:ID4_____________________________________________________________ (name=tee:1)\n<day>T<time>.<ns>Z image untag sha256:ID4_____________________________________________________________ (name=sha256:ID4_____________________________________________________________)\n",
    },
    {
      scenario: "system",
      command:
        "docker events --since $(cat since) --until $(($(date +%s)+1)) --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}'",
      stdout:
        "container create ann\ncontainer attach ann\nnetwork connect bridge\ncontainer start ann\nnetwork disconnect bridge\ncontainer die ann\ncontainer destroy ann\nvolume create <no value>\nvolume destroy <no value>\nnetwork create net1\nnetwork destroy net1\nimage tag tee:1\nimage untag sha256:ID1_____________________________________________________________\n",
    },
  ]),
  ...because("gantryd joins no swarm", [
    {
      scenario: "system",
      command: "docker swarm init",
      stderr: "Error response from daemon: swarm mode is not supported by this engine\n",
    },
  ]),
  ...because("below 0 asks gantryd for no limit at all, since it has one of its own", [
    {
      scenario: "odd",
      command: "docker create --pids-limit -5 --name pids busybox; docker inspect -f '{{.HostConfig.PidsLimit}}' pids",
      stdout: "ID1_____________________________________________________________\n-5\n",
    },
  ]),
];
