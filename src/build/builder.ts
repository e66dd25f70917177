import type { CheckReport } from "../base/build-checks.ts";
import type { OnBuildEvent } from "../base/build-events.ts";
import { GantryError, messageOf } from "../base/errors.ts";
import type { Digest } from "../base/image-config.ts";
import { familiarName, parseReference, withDefaultTag } from "../base/reference.ts";
import { envelopeOf, type Known } from "./attest/envelope-of.ts";
import { epochOf } from "./build-args.ts";
import { BuildCache } from "./cache.ts";
import { type CacheItem, CacheKeeper, type PruneOptions } from "./cache-keeper.ts";
import { CacheMounts } from "./cache-mounts.ts";
import type { BuildRequest } from "./context.ts";
import { type ContextSource, type OpenContext, openContext } from "./open-context.ts";
import type { BuildHost } from "./host.ts";
import { exportCache } from "./export-cache.ts";
import { InFlight } from "./in-flight.ts";
import { Materials } from "./materials.ts";
import { deliver, keepsImage } from "./outputs.ts";
import { BuildShells } from "./build-shells.ts";
import { readBuild, refuseFailedChecks } from "./read-build.ts";
import { RunStepper } from "./run-step.ts";
import { BuildScope, WORKSPACE_PREFIX } from "./scope.ts";
import { type Job, solve, type Workshop } from "./solver.ts";

/** A build, and what it knows of itself. */
type Described = Omit<Job, "scope"> & { known: Known };

/** Builds images from Dockerfiles, with a cache. */
export class Builder {
  private readonly shop: Workshop;
  private readonly keeper: CacheKeeper;
  /** Of steps that failed. */
  readonly shells = new BuildShells();

  constructor(host: BuildHost) {
    const mounts = new CacheMounts(host);
    this.shop = {
      host,
      cache: new BuildCache(host),
      inFlight: new InFlight(),
      runs: new RunStepper(host, mounts, this.shells),
    };
    this.keeper = new CacheKeeper(host, mounts);
  }

  /**
   * One build: a context to an image. What happens goes out as events; the image id comes back. Errors:
   * invalid BAD_DOCKERFILE, RUN_FAILED (details.exitCode), BAD_COPY …, canceled. Nothing temporary is left, whatever
   * happens; steps that were done stay in the cache.
   */
  async build(request: BuildRequest, from: ContextSource, emit: OnBuildEvent, signal: AbortSignal): Promise<Digest> {
    const tags = request.tags.map(checkedTag);
    const context = await openContext(this.shop.host, request, from, signal);
    try {
      const { dockerfile = request.dockerfile } = context;
      return await this.buildIn(context, { ...request, tags, dockerfile }, emit, signal);
    } finally {
      await context.release();
    }
  }

  private async buildIn(
    context: OpenContext,
    request: BuildRequest,
    emit: OnBuildEvent,
    signal: AbortSignal,
  ): Promise<Digest> {
    const { files } = this.shop.host;
    const { root } = context;
    const { dockerfile, plan, excluded, checks, report, placed, source } = readBuild(
      this.shop.host,
      root,
      request,
      context.material !== undefined,
    );
    if (excluded) await files.removeExcluded(root, excluded);
    context.keep(excluded ?? (() => false));
    for (const { ruleName, detail, location } of checks.warnings) {
      const line = location.ranges[0]?.start.line ?? 0;
      emit({ kind: "warning", from: "check", rule: ruleName, message: detail, line });
    }
    refuseFailedChecks(checks);
    const epoch = epochOf(request.buildArgs);
    const materials = new Materials();
    if (context.material) materials.add(context.material);
    const known = { began: this.shop.host.clock.now(), ...(context.material && { source: context.material }) };
    try {
      return await this.solved({
        dockerfile,
        source,
        plan,
        known: { ...known, plan, dockerfile: report.sources[0]! },
        context: { request, tree: context.tree, materials, emit, signal, ...(epoch !== undefined && { epoch }) },
      });
    } catch (error) {
      throw placed(error);
    }
  }

  /** What Docker's build checks say of the Dockerfile in a context. Throws what a build throws before it begins. */
  async check(request: BuildRequest, from: ContextSource, signal: AbortSignal): Promise<CheckReport> {
    const { host } = this.shop;
    const context = await openContext(host, request, from, signal);
    try {
      const { dockerfile = request.dockerfile } = context;
      return readBuild(host, context.root, { ...request, dockerfile }).report;
    } finally {
      await context.release();
    }
  }

  /** Solves and puts away. What fails in putting away must not hide why the build failed. */
  private async solved(job: Described): Promise<Digest> {
    const { host, cache } = this.shop;
    const scope = await BuildScope.open(host);
    let outcome: { id: Digest } | { error: unknown };
    try {
      outcome = { id: await this.made(job, scope) };
    } catch (error) {
      outcome = { error };
    }
    const left = await scope.close();
    try {
      if ("error" in outcome) await host.layers.sync(); // an image's are flushed with it
      cache.flush();
    } catch (error) {
      left.push(error);
    }
    if ("id" in outcome && left.length === 0) return outcome.id;
    if ("id" in outcome) throw left.length === 1 ? left[0] : new AggregateError(left, "parts of the build are left");
    for (const error of left) job.context.emit({ kind: "warning", from: "build", message: messageOf(error) });
    throw outcome.error;
  }

  /** The image, as it was wished for: here, at the client, or both. */
  private async made(job: Described, scope: BuildScope): Promise<Digest> {
    const { host } = this.shop;
    const { image, fresh, steps, summary } = await solve(this.shop, { ...job, scope });
    const keeps = keepsImage(job.context.request.outputs);
    try {
      const { envelope, ...told } = await envelopeOf(host, job.context, scope, image, job.known);
      if (keeps) await host.images.wrap(image.id, envelope);
      await deliver(host, job.context, scope, image, envelope);
      Object.assign(summary, told);
      await exportCache(host, job.context, steps);
    } finally {
      if (fresh && !keeps) await host.images.remove(image.id);
    }
    job.context.emit(summary);
    return image.id;
  }

  /** What the cache holds; what was not used for longest comes first. */
  cacheItems(): Promise<CacheItem[]> {
    return this.keeper.list();
  }

  /** Forgets what is to go, and deletes the layers and folders that only it needed. */
  prune(options: PruneOptions): Promise<{ deleted: string[]; bytes: number }> {
    return this.keeper.prune(options);
  }

  /** At the start of the engine: removes what builds of a killed one left. Repeatable; goes on past errors. */
  async sweep(): Promise<void> {
    const { layers, files } = this.shop.host;
    const errors: unknown[] = [];
    for (const id of layers.listWorkspaces().filter((one) => one.startsWith(WORKSPACE_PREFIX))) {
      try {
        await layers.removeWorkspace(id);
      } catch (error) {
        errors.push(error);
      }
    }
    await files.sweep();
    if (errors.length > 0) throw new AggregateError(errors, "some build workspaces could not be removed");
  }
}

/** The familiar name with its tag. Throws invalid BAD_REFERENCE in Docker's words. */
function checkedTag(tag: string): string {
  const reference = parseReference(tag);
  if (reference.digest !== undefined) {
    throw new GantryError("invalid", "BAD_REFERENCE", "build tag cannot contain a digest");
  }
  return familiarName(withDefaultTag(reference));
}
