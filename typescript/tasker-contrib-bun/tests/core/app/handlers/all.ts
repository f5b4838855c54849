import { existsSync } from 'node:fs';
import { z } from 'zod';
import { defineStep, PermanentError, RetryableError } from '../../../../src/index.ts';

export const first = defineStep('real.first', { input: z.object({ n: z.number() }) }, ({ input, config }) => ({
  n: input.n * Number(config.factor),
}));

const times = new Map<string, number>();
export const flaky = defineStep(
  'real.flaky',
  { results: { first: z.object({ n: z.number() }) } },
  ({ results, step }) => {
    const now = performance.now();
    const before = times.get(step.stepUuid);
    times.set(step.stepUuid, now);
    if (step.attempt === 1) throw new RetryableError('not yet');
    return { n: results.first.n + 1, attempt: step.attempt, waited: before === undefined ? 0 : now - before };
  },
);

export const last = defineStep('real.last', {}, ({ results }) => ({ n: (results.flaky as { n: number }).n }));

export const refuse = defineStep('real.refuse', {}, () => {
  throw new PermanentError('never', { code: 'NEVER' });
});

/** Ends when the file of the context is there, or after its milliseconds. */
export const wait = defineStep('real.wait', {}, async ({ input, step, signal }) => {
  console.log(`WAITING ${step.taskUuid} ${step.attempt}`);
  const end = performance.now() + Number(input.ms ?? Number.POSITIVE_INFINITY);
  while (!existsSync(String(input.file)) && performance.now() < end && !signal.aborted) await Bun.sleep(10);
  return { attempt: step.attempt };
});
