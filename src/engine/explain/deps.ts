import type { Cgroups } from "../../ports/cgroups.ts";
import type { ContainerFiles } from "../../ports/container-files.ts";
import type { Firewall } from "../../ports/firewall.ts";
import type { KernelView } from "../../ports/kernel-view.ts";
import type { LayerStore } from "../../ports/layer-store.ts";
import type { Links } from "../../ports/links.ts";
import type { Monitor } from "../../ports/monitor.ts";
import type { Containers } from "../containers/containers.ts";
import type { ContainerRecord } from "../containers/record.ts";
import type { Images } from "../images/images.ts";
import type { Networks } from "../networks/networks.ts";

export interface ExplainerDeps {
  containers: Pick<Containers, "find" | "all" | "changes" | "sizes" | "logs">;
  images: Pick<Images, "resolve" | "tagsOf" | "list">;
  networks: Pick<Networks, "record" | "records" | "inspect" | "shapes">;
  layers: Pick<LayerStore, "get" | "listWorkspaces">;
  files: ContainerFiles;
  cgroups: Cgroups;
  firewall: Pick<Firewall, "chains" | "published">;
  links: Pick<Links, "state">;
  monitor: Pick<Monitor, "alive">;
  kernel: KernelView;
  /** Past events of a container, newest last; time as RFC 3339. */
  history: (containerId: string) => Promise<{ time: string; action: string }[]>;
  imageName: (record: ContainerRecord) => string;
  defaultRuntime: string;
  /** Sizes in bytes; undefined for a file that is not there. */
  layersRoot: string;
  workspacesRoot: string;
  blobsRoot: string;
  logSize: (file: string) => number | undefined;
}
