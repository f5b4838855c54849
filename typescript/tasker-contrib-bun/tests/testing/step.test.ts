import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { z } from 'zod';
import { PermanentError, RetryableError } from '../../src/errors.ts';
import { backoff } from '../../src/outcome.ts';
import { batches, checkpoint, defineStep, route } from '../../src/steps.ts';
import { matchers, runStep, runWorkflow, stepContext, TemplateProblem } from '../../src/testing/index.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

expect.extend(matchers);

describe('runStep', () => {
  test.each([
    [{ a: 1 }, { a: 1 }],
    [undefined, {}],
    [null, {}],
    [[1, 2], { result: [1, 2] }],
    ['x', { result: 'x' }],
    [{ at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
  ])('wraps %p as Core does', async (returned, result) => {
    expect(await runStep(() => returned)).toEqual({ outcome: 'complete', result, metadata: {} });
  });

  test('takes handler classes, which know their name', async () => {
    class Charge {
      static readonly handlerName = 'shop.charge';
      async call(context: { handlerName: string; getInput(key: string): unknown }) {
        return { name: context.handlerName, amount: context.getInput('amount') };
      }
    }
    expect(await runStep(Charge, { context: { amount: 5 } })).toComplete({ name: 'shop.charge', amount: 5 });
  });

  test('validates the input and the results of typed steps', async () => {
    const pack = defineStep(
      'shop.pack',
      { input: z.object({ order_id: z.number() }), results: { price: z.object({ cents: z.number() }) } },
      ({ input, results, step }) => ({ label: `${input.order_id}-${results.price.cents}`, attempt: step.attempt }),
    );
    const results = { price: { cents: 5 } };
    const step = await runStep(pack, { context: { order_id: 7 }, results, attempts: 1 });
    expect(step).toComplete({ label: '7-5', attempt: 2 });
    expect(await runStep(pack, { context: { order_id: '7' }, results })).toFailPermanently('input.order_id');
    expect(await runStep(pack, { context: { order_id: 7 } })).toFailPermanently('results.price');
  });

  test('gives the UUID of the step as its idempotency key, which a test may choose', async () => {
    const charge = defineStep('shop.charge', {}, ({ idempotencyKey, step }) => ({
      key: idempotencyKey,
      same: idempotencyKey === step.stepUuid,
    }));
    const key = '01a231bf-bd9d-73b0-b3f6-b5bed562e0af';
    expect(await runStep(charge, { idempotencyKey: key })).toComplete({ key, same: true });
    expect(await runStep(charge)).not.toEqual(await runStep(charge));
  });

  test('the idempotency key is the same in every attempt, and another for another step', async () => {
    const seen: string[] = [];
    const charge = defineStep('shop.charge', {}, ({ idempotencyKey }) => {
      if (seen.push(idempotencyKey) === 1) throw new RetryableError('busy');
      return {};
    });
    const steps = ['a', 'b'].map((name) => ({ name, handler: { callable: 'shop.charge' } }));
    const run = await runWorkflow({ steps }, { handlers: [charge] });
    const keys = ['a', 'b'].map((name) => run.step(name).idempotencyKey);
    expect(seen.toSorted()).toEqual([keys[0], ...keys].toSorted() as string[]);
    expect(keys[0]).not.toBe(keys[1]);
  });

  test('classifies errors', async () => {
    const failing = (error: unknown) =>
      runStep(() => {
        throw error;
      });
    expect(await failing(new PermanentError('empty order', { metadata: { n: 0 } }))).toFailPermanently('empty order');
    expect(await failing(new RetryableError('busy', { retryAfter: 7 }))).toMatchObject({
      retryable: true,
      retryAfter: 7,
      errorType: 'retryable_error',
    });
    expect(await failing(new TypeError('oops'))).toFailRetryably(/^TypeError: oops$/);
    expect(await failing('text')).toFailRetryably('text');
  });

  test('a result that JSON cannot hold is a failure of the step', async () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(await runStep(() => circular)).toFailPermanently('the result cannot be stored as JSON');
  });
});

describe('stepContext', () => {
  test('has the members of the context of Core', () => {
    const context = stepContext({
      handler: 'h',
      context: { a: 1, nothing: null },
      results: { parent: { deep: { x: 2 } }, part_001: 1, part_002: 2 },
      config: { unit: 'eur' },
      attempts: 2,
      cursor: [3, 8],
      checkpoint: { cursor: 4, items_processed: 1 },
    });
    expect([context.getInput<number>('a'), context.getInputOr('b', 9)]).toEqual([1, 9]);
    expect(context.getDependencyField('parent', 'deep', 'x')).toBe(2);
    expect(context.getDependencyResult('other')).toBeNull();
    expect(context.getAllDependencyResults('part_')).toEqual([1, 2]);
    expect([context.isRetry(), context.isLastRetry(), context.hasCheckpoint()]).toEqual([true, true, true]);
    expect([context.checkpointCursor, context.checkpointItemsProcessed]).toEqual([4, 1]);
    expect(context.stepInputs).toMatchObject({
      unit: 'eur',
      cursor: { batch_id: '001', start_cursor: 3, end_cursor: 8, batch_size: 5 },
      is_no_op: false,
    });
  });

  test('the default of getInputOr is for a missing key only', () => {
    expect(stepContext({ context: { a: null } }).getInputOr<unknown>('a', 9)).toBeNull();
  });
});

describe('runWorkflow', () => {
  const step = (name: string, more: object = {}) => ({ name, handler: { callable: name }, ...more });
  const handlers = {};

  test.each([
    [{ steps: [] }, 'has no steps'],
    [{ steps: [{ name: 'a' }] }, "'a' has no handler.callable"],
    [{ steps: [step('a'), step('a')] }, "two steps are called 'a'"],
    [{ steps: [step('a', { dependencies: ['b'] })] }, "depends on 'b', which does not exist"],
    [{ steps: [step('a', { type: 'decission' })] }, 'one of standard, decision'],
    [{ steps: [step('a', { type: 'decision' })] }, 'needs at least one dependency'],
    [{ steps: [step('a', { dependencies: [], depends_on: [] })] }, 'both dependencies and depends_on'],
    [{ steps: [step('a', { retry: { backoff: 'linaer' } })] }, "retry.backoff 'linaer'"],
    [{ steps: [step('a', { dependencies: ['b'] }), step('b', { dependencies: ['a'] })] }, 'a cycle through a, b'],
  ])('refuses %j', async (template, message) => {
    expect(runWorkflow(template, { handlers })).rejects.toThrow(message);
    expect(runWorkflow(template, { handlers })).rejects.toBeInstanceOf(TemplateProblem);
  });

  test('names the file that it cannot read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tasker-'));
    const file = join(folder, 'order.yaml');
    try {
      await expect(runWorkflow(file, { handlers })).rejects.toThrow(file);
      writeFileSync(file, 'steps: [');
      await expect(runWorkflow(file, { handlers })).rejects.toThrow(`${file} is not YAML`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a callable without a handler fails for good and says which there are', async () => {
    const run = await runWorkflow({ steps: [step('a')] }, { handlers: { b: () => ({}) } });
    expect(run.step('a')).toMatchObject({ state: 'error', attempts: 1, errorType: 'handler_not_found' });
    expect(run.step('a').error).toContain("no handler 'a' is registered (registered: b)");
    expect(() => run.step('c')).toThrow("step 'c' was not created (created: a)");
  });

  test('runs typed steps with decisions, batches and checkpoints', async () => {
    const analyze = defineStep('analyze', {}, () =>
      batches('part', [
        [0, 2],
        [2, 4],
      ]),
    );
    const part = defineStep('part', {}, ({ batch, checkpoint: saved }) =>
      saved ? { from: batch?.start, at: saved.cursor } : checkpoint(batch?.end, 1),
    );
    const decide = defineStep('decide', {}, ({ results }) => route([results.part_002 ? 'many' : 'few']));
    const end = defineStep('end', {}, ({ results }) => ({ seen: Object.keys(results) }));
    const run = await runWorkflow(
      {
        steps: [
          step('analyze', { type: 'batchable' }),
          step('part', { type: 'batch_worker', dependencies: ['analyze'], batch_config: { batch_size: 2 } }),
          {
            ...step('total', { type: 'deferred_convergence', dependencies: ['analyze', 'part'] }),
            handler: { callable: 'end' },
          },
          step('decide', { type: 'decision', dependencies: ['total'] }),
          { name: 'many', handler: { callable: 'end' }, dependencies: ['decide'] },
          { name: 'few', handler: { callable: 'end' }, dependencies: ['decide'] },
        ],
      },
      { handlers: [analyze, part, decide, end] },
    );
    expect(run).toCompleteWorkflow();
    expect(run).toHaveRun('part_001', 'part_002', 'total', 'decide', 'many');
    expect(run.step('part_002')).toMatchObject({ result: { from: 2, at: 4 }, checkpoints: [4] });
    expect(run.steps.has('few')).toBe(false);
  });

  test('matchers fail with the timeline', async () => {
    const run = await runWorkflow(
      { steps: [step('a', { retry: { max_attempts: 1 } }), step('b', { dependencies: ['a'] })] },
      { handlers: { a: () => Promise.reject(new Error('boom')) } },
    );
    expect(() => expect(run).toCompleteWorkflow()).toThrow(/attempt 1: handler_error: Error: boom[\s\S]*b\s+never ran/);
    expect(() => expect(run).toHaveRun('b', 'a')).toThrow('called: a');
    expect(run).toHaveRun('a');
  });
});

test('delays never shrink, and never exceed the limit', () => {
  const kinds = fc.constantFrom('linear', 'exponential', 'fibonacci');
  const millis = fc.integer({ min: 1, max: 100_000 });
  fc.assert(
    fc.property(kinds, millis, millis, fc.integer({ min: 1, max: 80 }), (kind, baseMs, maxMs, attempt) => {
      const retry = { kind, baseMs, maxMs };
      const delay = backoff(retry, attempt);
      expect(delay).toBeLessThanOrEqual(maxMs / 1000);
      expect(backoff(retry, attempt + 1)).toBeGreaterThanOrEqual(delay);
    }),
  );
});
