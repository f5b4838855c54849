/** Waits for a condition; fails with its text after thirty seconds, or what is given. */
export async function until<T>(what: string, condition: () => T | Promise<T>, ms = 30_000): Promise<NonNullable<T>> {
  const end = performance.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    if (performance.now() > end) throw new Error(`not within ${ms / 1000} s: ${what}`);
    await Bun.sleep(5);
  }
}
