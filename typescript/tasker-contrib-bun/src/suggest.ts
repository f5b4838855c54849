/** Suggestions for misspelt names. */

/** ` (did you mean …?)` for the nearest of the known names, if one is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  const scored = known.map((other) => ({ other, distance: distance(name.toLowerCase(), other.toLowerCase()) }));
  const best = scored.sort((a, b) => a.distance - b.distance)[0];
  const near = best && best.distance <= Math.max(2, name.length / 4) ? best.other : undefined;
  // Without its unit, say: `timeout` for `timeout_seconds`.
  const found = near ?? known.find((other) => name !== '' && other.startsWith(`${name}_`));
  return found === undefined ? '' : ` (did you mean ${found}?)`;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, change));
    }
    row = next;
  }
  return row[b.length] as number;
}
