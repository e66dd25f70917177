import { type Fields, kinds } from "./shape.ts";

export const ENDPOINT: Fields = {
  fields: {
    IPAMConfig: { fields: { ...kinds("string", "IPv4Address IPv6Address"), LinkLocalIPs: "words" } },
    ...kinds("words", "Links Aliases DNSNames"),
    ...kinds("string", "MacAddress NetworkID EndpointID Gateway IPAddress IPv6Gateway GlobalIPv6Address"),
    ...kinds("number", "IPPrefixLen GlobalIPv6PrefixLen GwPriority"),
    DriverOpts: "texts",
  },
};

export const NETWORK_CREATE: Fields = {
  fields: {
    ...kinds("string", "Name Driver Scope"),
    ...kinds("boolean", "CheckDuplicate Internal Attachable Ingress ConfigOnly EnableIPv4 EnableIPv6"),
    ...kinds("texts", "Options Labels"),
    ConfigFrom: { fields: { Network: "string" } },
    IPAM: {
      fields: {
        Driver: "string",
        Options: "texts",
        Config: { list: { fields: { ...kinds("string", "Subnet IPRange Gateway"), AuxiliaryAddresses: "texts" } } },
      },
    },
  },
};

export const NETWORK_CONNECT: Fields = {
  fields: { Container: "string", Force: "boolean", EndpointConfig: ENDPOINT },
};
