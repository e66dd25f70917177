import { type Descriptor, MEDIA } from "../../base/image-config.ts";

const OCI_NAMES: Readonly<Record<string, string>> = {
  [MEDIA.dockerLayer]: MEDIA.ociLayer,
  [MEDIA.dockerLayerGzip]: MEDIA.ociLayerGzip,
};

/** The same layer by the name that OCI has for its type: an OCI manifest names no others. */
export const ociLayer = ({ mediaType, digest, size }: Descriptor): Descriptor => ({
  mediaType: OCI_NAMES[mediaType] ?? mediaType,
  digest,
  size,
});
