// Compiled with the rest, never run: what the SDK's types let through and what they refuse.
import {
  type BuildEvent,
  type Chunk,
  type Container,
  type ContainerInspect,
  type ContainerStats,
  type EventMessage,
  Gantry,
  GantryError,
  type ImageInspect,
  type LocalEngine,
  type LogLine,
  type RunResult,
  type Session,
  type Task,
  type TransferEvent,
} from "gantry";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(proof: Same<A, B>): boolean => proof;

export async function results(gantry: Gantry, box: Container): Promise<void> {
  const ran = await gantry.run("busybox", ["true"]);
  same<typeof ran, RunResult>(true);
  same<typeof ran.exitCode, number>(true);
  same<Awaited<ReturnType<Container["inspect"]>>, ContainerInspect>(true);
  same<Awaited<ReturnType<Container["exec"]>>, RunResult>(true);
  same<Awaited<ReturnType<typeof Gantry.start>>, LocalEngine>(true);

  const pull = gantry.images.pull("busybox");
  same<typeof pull, Task<TransferEvent, ImageInspect>>(true);
  for await (const event of pull) same<typeof event, TransferEvent>(true);
  const image = await pull;
  same<typeof image, ImageInspect>(true);
  const pushed = await gantry.images.push("busybox");
  same<typeof pushed, string | undefined>(true);
  const built = await gantry.images.build({ context: "." });
  same<typeof built, string>(true);
  for await (const event of gantry.images.build({ context: "." })) {
    same<typeof event, BuildEvent>(true);
    if (event.type === "step") same<typeof event.instruction, string>(true);
    // @ts-expect-error -- only a step has an instruction
    else console.log(event.instruction);
  }

  for await (const line of box.logs()) {
    same<typeof line, LogLine>(true);
    same<typeof line.stream, "stdout" | "stderr">(true);
  }
  for await (const stats of box.followStats()) same<typeof stats, ContainerStats>(true);
  for await (const event of gantry.events()) same<typeof event, EventMessage>(true);
  using session = await box.attach();
  same<typeof session, Session>(true);
  for await (const chunk of session) same<typeof chunk, Chunk>(true);
  const { host, port } = await box.waitForPort(80);
  same<typeof host, string>(true);
  same<typeof port, number>(true);
}

export function errors(error: unknown): string | undefined {
  if (!(error instanceof GantryError)) return undefined;
  // @ts-expect-error -- kinds are a closed set
  if (error.kind === "notfound") return undefined;
  return error.kind === "notFound" ? error.code : error.hint;
}

export async function options(gantry: Gantry, box: Container): Promise<void> {
  const { signal } = new AbortController();
  await gantry.containers.start("busybox", { ports: [80, "53/udp"], memory: "64m", ready: { port: 80 }, signal });
  // @ts-expect-error -- ports are a list
  await gantry.containers.create("busybox", { ports: 80 });
  // @ts-expect-error -- a command is a list of arguments
  await gantry.run("busybox", "echo hello");
  // @ts-expect-error -- run removes the container itself
  await gantry.run("busybox", ["true"], { autoRemove: true });
  // @ts-expect-error -- there are three policies
  await gantry.containers.create("busybox", { pull: "sometimes" });
  // @ts-expect-error -- there are four policies
  await gantry.containers.create("busybox", { restart: "sometimes" });
  // @ts-expect-error -- the API's own names begin with capitals
  await gantry.containers.create("busybox", { config: { env: ["A=b"] } });
  await gantry.containers.create("busybox", { config: { Env: ["A=b"], HostConfig: { ShmSize: 1 << 20 } } });
  // @ts-expect-error -- `image` is an argument
  await gantry.containers.create("busybox", { config: { Image: "other" } });
  // @ts-expect-error -- a build needs a context
  gantry.images.build({});
  // @ts-expect-error -- the protocol is tcp, udp or sctp
  await box.address("53/icmp");
  // @ts-expect-error -- waiting for nothing
  await box.waitForLog();
  // @ts-expect-error -- input goes by the session
  await box.execSession(["cat"], { input: "text" });
  // @ts-expect-error -- one of the two
  box.logs({ stream: "stdin" });
  // @ts-expect-error -- a container is made by the engine
  gantry.containers = undefined;
  await box.wait({ condition: "removed", signal });
  // @ts-expect-error -- no such condition
  await box.wait({ condition: "gone" });
}

export async function everySignal(gantry: Gantry, box: Container, signal: AbortSignal): Promise<void> {
  await Promise.all([
    gantry.ping({ signal }),
    gantry.info({ signal }),
    gantry.containers.list({ signal }),
    gantry.images.pull("busybox", { signal }),
    gantry.images.load(new Blob([]).stream(), { signal }),
    gantry.networks.create("yard", { signal }),
    gantry.volumes.prune({ signal }),
    box.exec(["true"], { signal }),
    box.waitHealthy({ signal, timeout: 1000 }),
    box.waitForHttp(80, "/", { signal, status: 404 }),
    box.copyTo("/", { a: "b" }, { signal }),
    box.address(80, { signal }),
  ]);
}
