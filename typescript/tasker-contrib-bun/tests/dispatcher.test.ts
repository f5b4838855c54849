import { afterEach, beforeEach, describe, expect, setDefaultTimeout, spyOn, test } from 'bun:test';
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { branchCheck } from '../src/branches.ts';
import { Dispatcher } from '../src/dispatcher.ts';
import { PermanentError, RetryableError } from '../src/errors.ts';
import { type TaskerEvent, TaskerEvents } from '../src/events.ts';
import { Metrics } from '../src/metrics.ts';
import type { Core } from '../src/native.ts';
import type { Handler } from '../src/outcome.ts';
import { batches, checkpoint, defineStep, route, type StepArgs, skip } from '../src/steps.ts';
import { readTemplate } from '../src/templates.ts';
import * as double from './double/core.ts';
import { claimed } from './double/steps.ts';
import { until } from './support/until.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

const { control } = double;
const core = double as unknown as Core;
let dispatcher: Dispatcher | undefined;
let events: TaskerEvents;
let metrics: Metrics;
let seen: TaskerEvent[];

async function run(handlers: Handler[], ...steps: ReturnType<typeof claimed>[]): Promise<any[]> {
  launch(handlers, 10, ...steps);
  await until('all steps answered', () => control.completions.length >= steps.length);
  return control.completions.map((completion) => completion.result);
}

function launch(handlers: Handler[], concurrency: number, ...steps: ReturnType<typeof claimed>[]): Dispatcher {
  const layer = new double.FfiLayer();
  void layer.load();
  const named = new Map(handlers.map((handler) => ['kind' in handler ? handler.name : handler.handlerName, handler]));
  dispatcher = new Dispatcher(layer.getModule(), core, named, concurrency, 'w', events, metrics);
  control.queue.push(...steps);
  dispatcher.start();
  return dispatcher;
}

const step = (name: string, run: (args: StepArgs<any, any>) => unknown) => defineStep(name, {}, run);

beforeEach(() => {
  for (const list of [control.queue, control.domainEvents, control.completions, control.checkpoints]) list.length = 0;
  control.pending.clear();
  control.refuse = undefined;
  control.refuseCheckpoints = false;
  control.running = true;
  events = new TaskerEvents();
  metrics = new Metrics();
  seen = [];
  events.on('*', (event) => seen.push(event));
  spyOn(console, 'warn').mockImplementation(() => {});
  spyOn(console, 'error').mockImplementation(() => {});
});

afterEach(() => {
  dispatcher?.stop();
  control.running = false;
});

test('the idempotency key is the UUID of the step', async () => {
  const claim = claimed({ callable: 'h' });
  const [result] = await run([step('h', ({ idempotencyKey }) => ({ key: idempotencyKey }))], claim);
  expect(result.result).toEqual({ key: claim.stepUuid });
});

describe('handlers', () => {
  test('get input, results and config', async () => {
    const handler = defineStep(
      'a',
      { input: z.object({ id: z.coerce.number() }), results: { price: z.object({ cents: z.number() }) } },
      ({ input, results, config, step }) => ({
        id: input.id,
        cents: results.price.cents,
        config,
        attempt: step.attempt,
      }),
    );
    const definition = { handlerInitialization: { currency: 'EUR' } };
    const event = claimed({ callable: 'a', context: { id: '7' }, results: { price: { cents: 5 } }, definition });
    const [done] = await run([handler], event);
    expect(done.result).toEqual({ id: 7, cents: 5, config: { currency: 'EUR' }, attempt: 1 });
    expect([done.success, done.status]).toEqual([true, 'completed']);
  });

  test('what does not fit is permanent, with the path and without the value, from every validator', async () => {
    const schemas = [
      z.object({ lines: z.array(z.object({ sku: z.string() })) }),
      v.object({ lines: v.array(v.object({ sku: v.string() })) }),
      type({ lines: type({ sku: 'string' }).array() }),
    ];
    for (const input of schemas) {
      control.completions.length = 0;
      const context = { lines: [{ sku: 'x' }, { sku: 424242 }] };
      const [done] = await run([defineStep('a', { input }, () => ({}))], claimed({ callable: 'a', context }));
      expect(done.error).toMatchObject({ errorType: 'validation_error', retryable: false });
      expect(done.error.message).toContain('input.lines[1].sku');
      dispatcher?.stop();
    }
    control.completions.length = 0;
    const handler = defineStep('a', { results: { price: z.object({ cents: z.number() }) } }, () => ({}));
    const [done] = await run([handler], claimed({ callable: 'a', results: { price: {} } }));
    expect(done.error.message).toContain('results.price.cents');
  });

  test('errors mean the same in every style, class handlers included', async () => {
    class Permanent extends double.StepHandler {
      static override handlerName = 'class.permanent';
      async call(): Promise<never> {
        throw new double.PermanentError('never');
      }
    }
    class Failing extends double.StepHandler {
      static override handlerName = 'class.failing';
      async call() {
        return this.failure('no', 'mine', false);
      }
    }
    const handlers: Handler[] = [
      step('p', () => {
        throw new PermanentError('never', { code: 'E1' });
      }),
      step('r', () => {
        throw new RetryableError('later', { retryAfter: 7 });
      }),
      step('e', () => {
        throw new RangeError('odd');
      }),
      Permanent,
      Failing,
    ];
    const names = ['p', 'r', 'e', 'class.permanent', 'class.failing'];
    await run(handlers, ...names.map((callable) => claimed({ callable })));
    const failures = Object.fromEntries(
      seen.flatMap((event) =>
        event.name === 'step:failed' ? [[event.handler, [event.errorType, event.retryable]]] : [],
      ),
    );
    expect(failures).toEqual({
      p: ['permanent_error', false],
      r: ['retryable_error', true],
      e: ['handler_error', true],
      'class.permanent': ['permanent_error', false],
      'class.failing': ['mine', false],
    });
    const after = control.completions.map(({ result }) => result.orchestrationMetadata?.headers['retry-after']);
    expect(after.sort()).toEqual(['1', '7', undefined, undefined, undefined]);
  });

  test('a subclass of an error is that kind of error, whatever its name, from any copy of the package', async () => {
    class CardDeclined extends PermanentError {
      override readonly name = 'CardDeclined';
    }
    class Busy extends double.RetryableError {}
    Object.defineProperty(Busy.prototype, 'name', { value: 'Busy' });
    // As a second copy of this package in node_modules would make it.
    const other = { PermanentError: class PermanentError extends Error {} };
    class Foreign extends other.PermanentError {
      override readonly name = 'Foreign';
    }
    const errors: Record<string, Error> = { d: new CardDeclined('no'), b: new Busy('later'), f: new Foreign('no') };
    const handlers = Object.entries(errors).map(([name, error]) =>
      step(name, () => {
        throw error;
      }),
    );
    const results = await run(handlers, ...Object.keys(errors).map((callable) => claimed({ callable })));
    expect(results.map(({ error }) => [error.errorType, error.retryable])).toEqual([
      ['permanent_error', false],
      ['retryable_error', true],
      ['permanent_error', false],
    ]);
  });

  test('the metadata of an error is stored with the step', async () => {
    const failing = step('m', () => {
      throw new PermanentError('no', { metadata: { order: 7, at: new Date(0) } });
    });
    const odd = step('o', () => {
      throw new PermanentError('no', { metadata: { big: 1n } });
    });
    const results = await run([failing, odd], claimed({ callable: 'm' }), claimed({ callable: 'o' }));
    expect(results.map(({ metadata }) => metadata.custom)).toEqual([{ order: 7, at: '1970-01-01T00:00:00.000Z' }, {}]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1])(
    'retryAfter: %p leaves the delay to the template',
    async (retryAfter) => {
      const failing = step('n', () => {
        throw new RetryableError('later', { retryAfter });
      });
      const definition = { retryBackoff: 'linear', retryBackoffBaseMs: 3000 };
      const [done] = await run([failing], claimed({ callable: 'n', definition }));
      expect(done.orchestrationMetadata.headers['retry-after']).toBe('3');
    },
  );

  test('values are wrapped as Core does; what JSON cannot hold is permanent', async () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const values: Record<string, unknown> = { list: [1], none: undefined, number: 3, circular, big: { n: 1n } };
    const handlers = Object.entries(values).map(([name, value]) => step(name, () => value));
    const results = await run(handlers, ...Object.keys(values).map((callable) => claimed({ callable })));
    expect(results.slice(0, 3).map((done) => done.result)).toEqual([{ result: [1] }, {}, { result: 3 }]);
    expect(results.slice(3).map((done) => done.error.errorType)).toEqual(['validation_error', 'validation_error']);
  });

  test('decisions and batches are what Core reads', () => {
    expect(route(['x'])).toEqual({ decision_point_outcome: { type: 'create_steps', step_names: ['x'] } });
    expect(() => route([])).toThrow('at least one step');
    expect(skip('why')).toMatchObject({ decision_point_outcome: { type: 'no_branches' } });
    expect(batches('w', [])).toEqual({ batch_processing_outcome: { type: 'no_batches' } });
    expect(batches('w', [[0, 4]]).batch_processing_outcome).toMatchObject({ worker_count: 1, total_items: 4 });
  });

  test('what Core would not follow fails the step: it would end the task without the steps', async () => {
    const problems: string[] = [];
    const steps = [
      { name: 'start', handler: { callable: 'start' } },
      { name: 'd', type: 'decision', dependencies: ['start'], handler: { callable: 'd' } },
      { name: 'review', dependencies: ['d'], handler: { callable: 'r' } },
      {
        name: 'b',
        type: 'batchable',
        handler: { callable: 'b', initialization: { worker_template_name: 'w' } },
      },
    ];
    const template = readTemplate({ name: 'ship', namespace_name: 'shop', version: '1.0.0', steps }, 't', problems);
    const returned: unknown[] = [{ plain: 1 }, route(['reviews']), route(['start']), route(['review']), skip('small')];
    const handlers = [step('d', ({ input }) => returned[Number(input.n)]), step('b', () => ({ plain: 1 }))];
    const made = launch(handlers, 10);
    made.checkBranches = branchCheck([template]);
    control.queue.push(
      ...returned.map((_, n) => claimed({ callable: 'd', context: { n } })),
      claimed({ callable: 'b' }),
    );
    await until('all answered', () => control.completions.length === 6);
    expect(control.completions.map(({ result }) => result.error?.message)).toEqual([
      "decision 'd' must return route([…]) or skip('why')",
      "decision 'd' chose 'reviews', which is not a step after it (did you mean review?)",
      "decision 'd' chose 'start', which is not a step after it",
      undefined,
      undefined,
      "batchable step 'b' must return batches(…)",
    ]);
    expect(control.completions[0]?.result.error).toMatchObject({ retryable: false, errorType: 'validation_error' });
  });

  test('a checkpoint is stored and the handler called again', async () => {
    const handler = step('b', ({ checkpoint: saved, batch }) =>
      saved ? { from: saved.cursor, end: batch?.end } : checkpoint(5, 5, { sum: 1 }),
    );
    const inputs = { cursor: { batch_id: '001', start_cursor: 0, end_cursor: 9, batch_size: 9 } };
    const [done] = await run([handler], claimed({ callable: 'b', inputs }));
    expect(done.result).toEqual({ from: 5, end: 9 });
    expect(control.checkpoints[0]?.data).toMatchObject({ cursor: 5, itemsProcessed: 5 });
    expect(seen.map((event) => event.name)).toContain('step:checkpointed');
  });

  test('a result that Core refuses fails the step and says so; it is not left without an answer', async () => {
    control.refuse = (result) => result.success;
    const [done] = await run([step('r', () => ({ n: 1 }))], claimed({ callable: 'r' }));
    expect(done.error).toMatchObject({ retryable: false, message: expect.stringContaining('Core refused the result') });
    expect(seen.map(({ name }) => name)).toEqual(['step:started', 'step:failed']);
  });

  test('a checkpoint that Core refuses fails the step', async () => {
    control.refuseCheckpoints = true;
    const [done] = await run([step('c', () => checkpoint(5, 5))], claimed({ callable: 'c' }));
    expect(done.error).toMatchObject({
      retryable: false,
      message: expect.stringContaining('only a batch_worker step'),
    });
    expect(seen.map(({ name }) => name)).toEqual(['step:started', 'step:failed']);
  });

  test('a callable without a handler is a permanent failure with a suggestion', async () => {
    const [done] = await run([step('shop.price', () => ({}))], claimed({ callable: 'shop.prices' }));
    expect(done.error).toMatchObject({ errorType: 'handler_not_found', retryable: false });
    expect(done.error.message).toContain('did you mean shop.price?');
  });
});

describe('execution', () => {
  test('steps above the concurrency stay in Core and are not dropped', async () => {
    let now = 0;
    let most = 0;
    const handler = step('s', async () => {
      most = Math.max(most, ++now);
      await Bun.sleep(2);
      now--;
    });
    launch([handler], 3, ...Array.from({ length: 20 }, () => claimed({ callable: 's' })));
    expect(control.pending.size).toBe(3);
    await until('all done', () => control.completions.length === 20);
    expect(most).toBe(3);
  });

  test('a timeout aborts the signal and is retryable', async () => {
    const handler = defineStep('t', { timeoutMs: 20 }, ({ signal }) => {
      const { promise, reject } = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => reject(signal.reason));
      return promise;
    });
    const [done] = await run([handler], claimed({ callable: 't', definition: { timeoutSeconds: 60 } }));
    expect(done.error).toMatchObject({ errorType: 'timeout', retryable: true });
    expect(seen.find((event) => event.name === 'step:timed-out')).toMatchObject({ hung: false, timeoutSeconds: 0.02 });
  });

  test.each([Number.POSITIVE_INFINITY, 2 ** 40])('a timeout of %p ms is none', async (timeoutMs) => {
    const handler = defineStep('t', { timeoutMs }, () => Bun.sleep(5));
    const [done] = await run([handler], claimed({ callable: 't' }));
    expect(done.success).toBe(true);
  });

  test('a handler that ignores its signal is answered and named as hung', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const handler = defineStep('h', { timeoutMs: 5 }, () => promise);
    const [done] = await run([handler], claimed({ callable: 'h' }));
    expect(done.error.errorType).toBe('timeout');
    expect(dispatcher?.hung()[0]).toContain("handler 'h'");
    resolve();
    await until('it returned', () => dispatcher?.inFlight === 0);
    expect(control.completions.length).toBe(1);
  });

  test("the template's back-off is sent, and retryable: false is final", async () => {
    const fail = step('f', () => {
      throw new Error('x');
    });
    const definition = { retryBackoff: 'linear', retryBackoffBaseMs: 1500 };
    await run(
      [fail],
      claimed({ callable: 'f', attempts: 1, definition }),
      claimed({ callable: 'f', definition: { retryRetryable: false } }),
    );
    const [later, final] = control.completions.map(({ result }) => result);
    expect(later.orchestrationMetadata.headers['retry-after']).toBe('3');
    expect([final.error.retryable, final.orchestrationMetadata]).toEqual([false, undefined]);
  });

  test('cut answers everything once; what had not begun is handed back', async () => {
    const gate = Promise.withResolvers<void>();
    let aborted = false;
    const handler = step('c', async ({ signal }) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      await gate.promise;
    });
    launch([handler], 1, claimed({ callable: 'c' }), claimed({ callable: 'c' }));
    expect(await dispatcher?.idle(10)).toBe(false);
    expect(dispatcher?.cut().map((cut) => cut.handler)).toEqual(['c']);
    expect(dispatcher?.returnUnstarted()).toBe(1);
    gate.resolve();
    await until('the handler ended', () => dispatcher?.inFlight === 0);
    const types = control.completions.map(({ result }) => result.error.errorType);
    expect(types).toEqual(['worker_stopped', 'worker_stopped']);
    expect(control.completions[0]?.result.orchestrationMetadata.headers['retry-after']).toBe('2');
    expect(aborted).toBe(true);
  });

  test('metrics tell capacity, hung handlers and the drain', async () => {
    const value = (name: string) => metrics.render().match(new RegExp(`^tasker_contrib_${name} (.*)$`, 'm'))?.[1];
    expect([value('handlers_capacity'), value('worker_draining')]).toEqual(['0', '0']);
    launch([], 7);
    expect([value('handlers_capacity'), value('handlers_hung'), value('worker_draining')]).toEqual(['7', '0', '0']);
    dispatcher?.pause();
    expect([value('handlers_capacity'), value('worker_draining')]).toEqual(['7', '1']);
    dispatcher?.stop();
    expect([value('handlers_capacity'), value('event_loop_lag_seconds')]).toEqual(['0', '0']);
  });

  test('a handler that blocks the event loop is seen afterwards', async () => {
    const blocks = step('b', () => {
      const end = performance.now() + 1500;
      while (performance.now() < end);
      return {};
    });
    await run([blocks], claimed({ callable: 'b' }));
    const lag = metrics.render().match(/^tasker_contrib_event_loop_lag_seconds (.*)$/m)?.[1];
    expect(Number(lag)).toBeGreaterThan(0.3);
  });

  test('a subscriber that fails disturbs no step', async () => {
    events.on('step:completed', () => {
      throw new Error('subscriber');
    });
    events.on('step:started', async () => Promise.reject(new Error('subscriber')));
    const [done] = await run([step('s', () => ({}))], claimed({ callable: 's' }));
    expect(done.success).toBe(true);
    expect(metrics.render()).toContain('tasker_contrib_handler_executions_total{handler="s",outcome="completed"} 1');
  });

  test('domain events are polled and have the business data', async () => {
    launch([], 1);
    const metadata = { taskUuid: 't', namespace: 'shop', correlationId: 'c' };
    const payload = { task_sequence_step: {}, execution_result: {}, payload: { order: 1 } };
    control.domainEvents.push({ eventName: 'order.packed', eventVersion: '1.0', payload, metadata });
    const event = await until('the event', () => seen.find(({ name }) => name === 'domain:event'));
    expect(event).toMatchObject({ eventName: 'order.packed', payload: { order: 1 }, stepUuid: null });
  });

  test('an iterator whose signal is aborted already subscribes to nothing', async () => {
    const stream = events.stream([], AbortSignal.abort());
    events.emit('step:started', { handler: 'a', attempt: 1 });
    expect(await stream.next()).toEqual({ value: undefined, done: true });
    expect(events.listeners).toBe(1);
  });

  test('the iterator ends with its signal and gives chosen events only', async () => {
    const stop = new AbortController();
    const stream = events.stream(['step:failed'], stop.signal);
    events.emit('step:started', { handler: 'a', attempt: 1 });
    const data = {
      handler: 'a',
      attempt: 1,
      durationMs: 1,
      errorType: 'x',
      message: 'm',
      retryable: false,
      retryAfter: null,
    };
    events.emit('step:failed', data);
    stop.abort();
    const names: string[] = [];
    for await (const event of stream) names.push(event.name);
    expect(names).toEqual(['step:failed']);
  });
});
