/** Waits for a condition, looking again every few milliseconds; throws with `what` after the time-out. */
export async function until(
  condition: () => Promise<boolean> | boolean,
  options: { what: string; timeout?: number; every?: number },
): Promise<void> {
  const end = Date.now() + (options.timeout ?? 10_000);
  for (;;) {
    if (await condition()) return;
    if (Date.now() > end) throw new Error(`timed out waiting for ${options.what}`);
    await new Promise((resolve) => setTimeout(resolve, options.every ?? 20));
  }
}
