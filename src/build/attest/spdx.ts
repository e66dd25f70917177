import { createHash } from "node:crypto";
import type { FoundPackage } from "./packages.ts";

export const SPDX_TYPE = "https://spdx.dev/Document";
const ROOT = "SPDXRef-DocumentRoot-image";
/** Which text a license field may be: SPDX identifiers with AND, OR, WITH. */
const EXPRESSION = /^[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*$/;

/** An SPDX 2.3 document of what is installed in an image. `id`: the image's. */
export function spdxDocument(packages: readonly FoundPackage[], image: { id: string; created: string }): object {
  const listed = packages
    .toSorted((a, b) => (`${a.purl} ${a.origin}` < `${b.purl} ${b.origin}` ? -1 : 1))
    .map((found) => ({ ...found, ref: `SPDXRef-Package-${idOf(found)}` }));
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: "image",
    documentNamespace: `urn:gantry:sbom:${image.id}`,
    creationInfo: { created: image.created, creators: ["Tool: gantry"] },
    packages: [
      { ...entry("image", image.id), SPDXID: ROOT, primaryPackagePurpose: "CONTAINER" },
      ...listed.map(({ name, version, purl, origin, license, ref }) => ({
        ...entry(name, version),
        SPDXID: ref,
        licenseDeclared: license && EXPRESSION.test(license) ? license : "NOASSERTION",
        sourceInfo: `found in /${origin}`,
        externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl }],
      })),
    ],
    relationships: [
      { spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES", relatedSpdxElement: ROOT },
      ...listed.map(({ ref }) => ({ spdxElementId: ROOT, relationshipType: "CONTAINS", relatedSpdxElement: ref })),
    ],
  };
}

const entry = (name: string, versionInfo: string): object => ({
  name,
  versionInfo,
  downloadLocation: "NOASSERTION",
  filesAnalyzed: false,
  licenseConcluded: "NOASSERTION",
  licenseDeclared: "NOASSERTION",
  copyrightText: "NOASSERTION",
});

/** Two copies of one package in different places are two. */
const idOf = ({ purl, origin }: FoundPackage): string =>
  createHash("sha256").update(`${purl}\n${origin}`).digest("hex").slice(0, 16);
