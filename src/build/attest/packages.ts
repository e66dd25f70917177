/** A piece of software that is installed in an image. */
export interface FoundPackage {
  name: string;
  version: string;
  /** Package URL. */
  purl: string;
  /** The file that says so. */
  origin: string;
  license?: string;
}

/** The distribution, by /etc/os-release. */
export interface Distribution {
  id: string;
  version: string;
}

export function distributionOf(text: string): Distribution {
  const value = (key: string): string =>
    new RegExp(`^${key}=(.*)$`, "m").exec(text)?.[1]?.replace(/^(["'])(.*)\1$/, "$2") ?? "";
  return { id: value("ID") || "linux", version: value("VERSION_ID") };
}

const part = (text: string): string => encodeURIComponent(text).replaceAll("%3A", ":");

const qualifiers = (given: Record<string, string>): string => {
  const pairs = Object.entries(given).flatMap(([key, value]) => (value === "" ? [] : [`${key}=${part(value)}`]));
  return pairs.length === 0 ? "" : `?${pairs.toSorted().join("&")}`;
};

const distro = ({ id, version }: Distribution): string => (version === "" ? "" : `${id}-${version}`);

/** Paragraphs of `Key: value` lines; lines that go on are left out. */
function paragraphs(text: string): Map<string, string>[] {
  return text.split(/\n{2,}/).map((paragraph) => {
    const fields = paragraph.split("\n").map((line) => /^([^\s:]+):\s*(.*)$/.exec(line));
    return new Map(fields.flatMap((match): [string, string][] => (match ? [[match[1]!, match[2]!]] : [])));
  });
}

/** /var/lib/dpkg/status, or one file of status.d (distroless). */
export function debianPackages(text: string, origin: string, os: Distribution): FoundPackage[] {
  return paragraphs(text).flatMap((fields) => {
    const name = fields.get("Package");
    const version = fields.get("Version");
    const status = fields.get("Status") ?? "install ok installed";
    if (!name || !version || !status.endsWith(" installed")) return [];
    const query = qualifiers({ arch: fields.get("Architecture") ?? "", distro: distro(os) });
    return [{ name, version, origin, purl: `pkg:deb/${part(os.id)}/${part(name)}@${part(version)}${query}` }];
  });
}

/** /lib/apk/db/installed. */
export function alpinePackages(text: string, origin: string, os: Distribution): FoundPackage[] {
  return paragraphs(text).flatMap((fields) => {
    const name = fields.get("P");
    const version = fields.get("V");
    if (!name || !version) return [];
    const query = qualifiers({ arch: fields.get("A") ?? "", distro: distro(os) });
    const license = fields.get("L");
    return [
      {
        ...{ name, version, origin, purl: `pkg:apk/${part(os.id)}/${part(name)}@${part(version)}${query}` },
        ...(license ? { license } : {}),
      },
    ];
  });
}

/** A package.json below node_modules. */
export function nodePackages(text: string, origin: string): FoundPackage[] {
  let json: { name?: unknown; version?: unknown; license?: unknown };
  try {
    json = JSON.parse(text) as typeof json;
  } catch {
    return []; // a package's test data may be anything
  }
  const { name, version, license } = json ?? {};
  if (typeof name !== "string" || typeof version !== "string" || name === "") return [];
  const path = name.split("/").map(encodeURIComponent).join("/");
  return [
    {
      ...{ name, version, origin, purl: `pkg:npm/${path}@${part(version)}` },
      ...(typeof license === "string" ? { license } : {}),
    },
  ];
}

/** METADATA of a .dist-info, PKG-INFO of an .egg-info. */
export function pythonPackages(text: string, origin: string): FoundPackage[] {
  const [head] = paragraphs(text.replaceAll("\r", ""));
  const name = head?.get("Name");
  const version = head?.get("Version");
  if (!name || !version) return [];
  const normal = name.toLowerCase().replaceAll(/[-_.]+/g, "-");
  return [{ name, version, origin, purl: `pkg:pypi/${part(normal)}@${part(version)}` }];
}
