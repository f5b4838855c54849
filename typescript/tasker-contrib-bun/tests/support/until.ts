/** Waits for a condition; fails with its text after ten seconds. */
export async function until<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>> {
  const end = performance.now() + 10_000;
  for (;;) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    if (performance.now() > end) throw new Error(`not within 10 s: ${what}`);
    await Bun.sleep(5);
  }
}
