import { scenario } from "../scenario.ts";

/** What is refused: the rest needs links that the kernels of both have. */
export const macvlan = scenario(
  "macvlan",
  String.raw`
docker network create -d macvlan -o parent=lo xx
docker network create -d macvlan -o parent=nosuch xx
docker network create -d macvlan -o parent=nosuch.5 xx
docker network create -d macvlan -o parent=lo.5000 xx
docker network create -d macvlan -o parent=lo.x xx
docker network create -d macvlan -o parent=lo. xx
docker network create -d macvlan -o parent=lo.5.6 xx
docker network create -d macvlan -o macvlan_mode=nosuch -o parent=nosuch xx
docker network create -d macvlan -o macvlan_mode=nosuch xx
docker network create -d macvlan -o parent=nosuch --subnet 10.201.1.0/24 --gateway 10.9.9.9 xx
docker network create -d ipvlan -o parent=lo xx
docker network create -d ipvlan -o ipvlan_mode=nosuch xx
docker network ls -f driver=macvlan -q
`,
);
