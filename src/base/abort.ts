/**
 * What `work` gives, or the signal's reason as soon as it aborts. Work that ends after that goes to `undo`, so that what it
 * made does not stay behind.
 */
export async function abandonable<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  undo: (made: T) => unknown = () => {},
): Promise<T> {
  if (!signal) return await work;
  let abort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
  });
  signal.addEventListener("abort", abort, { once: true });
  try {
    if (signal.aborted) abort();
    return await Promise.race([work, aborted]);
  } catch (error) {
    if (signal.aborted) work.then(undo).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
