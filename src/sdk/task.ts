/**
 * Work that tells how far it is and ends with a result. Iterate it for its events, await it for its result, or do both in
 * this order; it begins with the first of the two.
 *
 * ```ts
 * for await (const event of gantry.images.pull("busybox")) console.log(event.status);
 * const image = await gantry.images.pull("busybox");
 * ```
 */
export class Task<Event, Result> implements AsyncIterable<Event>, PromiseLike<Result> {
  private readonly source: () => AsyncGenerator<Event, Result>;
  private settled: Promise<Result> | undefined;

  /** @internal */
  constructor(source: () => AsyncGenerator<Event, Result>) {
    this.source = source;
  }

  /** Throws if the work was begun already: its events come once. */
  [Symbol.asyncIterator](): AsyncGenerator<Event, void> {
    if (this.settled) throw new TypeError("this work was begun already: its events come only once");
    let resolve: (result: Result) => void = () => {};
    let reject: (reason: unknown) => void = () => {};
    this.settled = new Promise<Result>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    this.settled.catch(() => {}); // whoever iterates gets the error from the iteration
    return pass(this.source(), resolve, reject);
  }

  // oxlint-disable-next-line unicorn/no-thenable -- awaiting it is the point
  then<A = Result, B = never>(
    onResult?: ((result: Result) => A | PromiseLike<A>) | null,
    onError?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.settled ??= lastOf(this.source());
    return this.settled.then(onResult, onError);
  }

  catch<B = never>(onError: (reason: unknown) => B | PromiseLike<B>): Promise<Result | B> {
    return this.then(undefined, onError);
  }

  finally(onEnd: () => void): Promise<Result> {
    return this.then().finally(onEnd);
  }
}

async function* pass<Event, Result>(
  source: AsyncGenerator<Event, Result>,
  resolve: (result: Result) => void,
  reject: (reason: unknown) => void,
): AsyncGenerator<Event, void> {
  try {
    for (;;) {
      const next = await source.next();
      if (next.done) return resolve(next.value);
      yield next.value;
    }
  } catch (error) {
    reject(error);
    throw error;
  } finally {
    // Left early by `break`: the work is given up.
    await source.return(undefined as Result);
    reject(new DOMException("the work was given up", "AbortError"));
  }
}

async function lastOf<Event, Result>(source: AsyncGenerator<Event, Result>): Promise<Result> {
  for (;;) {
    const next = await source.next();
    if (next.done) return next.value;
  }
}
