import { platformOf } from "../../base/platform.ts";
import type { ImageRecord } from "../../engine/images/contract.ts";
import type { Envelope } from "../../engine/images/envelope.ts";
import type { BuildContext } from "../context.ts";
import type { BuildHost } from "../host.ts";
import type { BuildScope } from "../scope.ts";
import { PROVENANCE_TYPE, provenance, type ProvenanceFacts } from "./provenance.ts";
import { installedPackages } from "./scan.ts";
import { SPDX_TYPE, spdxDocument } from "./spdx.ts";

/** What the build knows of itself when its image is there. */
export type Known = Pick<ProvenanceFacts, "plan" | "dockerfile" | "source"> & { began: number };

/** What is to go around the image, and its provenance alone. */
export async function envelopeOf(
  host: BuildHost,
  { request, materials, epoch }: BuildContext,
  scope: BuildScope,
  image: ImageRecord,
  { began, ...known }: Known,
): Promise<{ envelope: Envelope; provenance?: object }> {
  const { annotations, attest } = request;
  const envelope: Envelope = { annotations, attestations: [] };
  if (attest.sbom) {
    const packages = installedPackages(host.files, await scope.view(image.chain.at(-1)));
    const created = rfc3339(epoch === undefined ? host.clock.now() : epoch * 1000);
    const predicate = Buffer.from(JSON.stringify(spdxDocument(packages, { id: image.id, created })));
    envelope.attestations.push({ predicateType: SPDX_TYPE, predicate });
  }
  if (attest.provenance === undefined) return { envelope };
  const facts = {
    ...{ ...known, request, materials: materials.list(), id: host.ids.id() },
    ...{ began: rfc3339(began), ended: rfc3339(host.clock.now()) },
    platform: platformOf(image.config),
  };
  const told = provenance(facts, attest.provenance);
  envelope.attestations.push({ predicateType: PROVENANCE_TYPE, predicate: Buffer.from(JSON.stringify(told)) });
  return { envelope, provenance: told };
}

/** To the second: SPDX takes no fractions. */
const rfc3339 = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
