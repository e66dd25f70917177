/** What happened to one object, in the API's field names. */
export interface EventMessage {
  /** The legacy three stand on container and image events only. */
  status?: string;
  id?: string;
  from?: string;
  /** container, image, network, volume, daemon, builder … */
  Type: string;
  /** `start`, `exec_create: sh -c true`, `health_status: healthy` */
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  scope: "local";
  /** Seconds since the epoch. */
  time: number;
  /** Nanoseconds since the epoch, different for every event; more than a number holds. */
  timeNano: bigint;
}

export function eventMessage(
  type: string,
  action: string,
  actorId: string,
  attributes: Record<string, string>,
  timeNano: bigint,
): EventMessage {
  const legacy: Pick<EventMessage, "status" | "id" | "from"> = {};
  if (type === "container" || type === "image") {
    legacy.status = action;
    legacy.id = actorId;
    if (type === "container" && attributes["image"] !== undefined) legacy.from = attributes["image"];
  }
  return {
    ...legacy,
    Type: type,
    Action: action,
    Actor: { ID: actorId, Attributes: { ...attributes } },
    scope: "local",
    time: Number(timeNano / 1_000_000_000n),
    timeNano,
  };
}

/** What `eventJson` wrote; undefined if it is something else. */
export function parseEvent(line: string): EventMessage | undefined {
  const nanos = /,"timeNano":(\d+)}$/.exec(line)?.[1];
  if (nanos === undefined) return undefined;
  try {
    return { ...(JSON.parse(line) as EventMessage), timeNano: BigInt(nanos) };
  } catch {
    return undefined;
  }
}

/** The event as JSON, its nanoseconds exact. */
export function eventJson({ timeNano, ...rest }: EventMessage): string {
  return `${JSON.stringify(rest).slice(0, -1)},"timeNano":${timeNano}}`;
}
