/** Milliseconds. For tests that hash passwords or start processes: a busy machine takes its time. */
export const PATIENCE = 60_000;

/** Look until there is something to see. */
export async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const seen = await look();
    if (seen) return seen as NonNullable<T>;
    if (performance.now() > end) throw new Error(`nothing within ${PATIENCE / 1000} s: ${what}`);
    await Bun.sleep(50);
  }
}
