import { expect, setDefaultTimeout, test } from 'bun:test';
import { LoopLag } from '../src/loop-lag.ts';
import { until } from './support/until.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('a delay is seen at once, stays for a while, and is forgotten', async () => {
  const lag = new LoopLag(5);
  expect(lag.seconds).toBe(0);
  lag.start();
  block(500);
  expect(lag.seconds).toBeGreaterThan(0.4);
  await until('the timer has gone on', () => lag.seconds < 0.4);
  lag.stop();
  expect(lag.seconds).toBe(0);
});
