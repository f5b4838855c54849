/** The outcome cases that all languages share (`xtask/contract/outcome-cases`), run through the dispatcher. */

import { afterEach, beforeEach, expect, setDefaultTimeout, spyOn, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LONGEST_DELAY } from '../src/completion.ts';
import { Dispatcher } from '../src/dispatcher.ts';
import { PermanentError, RetryableError } from '../src/errors.ts';
import { type TaskerEvent, TaskerEvents } from '../src/events.ts';
import { Metrics } from '../src/metrics.ts';
import type { Core } from '../src/native.ts';
import { checkpoint, defineStep } from '../src/steps.ts';
import { LEVELS } from '../src/storable.ts';
import * as double from './double/core.ts';
import { claimed } from './double/steps.ts';
import { until } from './support/until.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

interface Does {
  return?: string;
  raise?: string;
  checkpoint?: string;
  value?: unknown;
  levels?: number;
  message?: string;
  unreadable?: boolean;
  code?: string;
  delay?: number | string;
  metadata?: string;
}

interface Expected {
  outcome: string;
  error_type?: string;
  retryable?: boolean;
  message?: string[];
  code?: string;
  result?: object;
  delay?: number;
}

interface Case {
  name: string;
  does: Does;
  expect: Expected & { either?: Expected[] };
}

const path = join(import.meta.dir, '../../../xtask/contract/outcome-cases/cases.json');
const file = JSON.parse(readFileSync(path, 'utf8')) as {
  deepest: number;
  longest_delay: number;
  retry: { backoff: string; backoff_base_ms: number };
  cases: Case[];
};

const { control } = double;
let dispatcher: Dispatcher | undefined;
let metrics: Metrics;
let seen: TaskerEvent[];

function nested(levels: number, around: (inner: unknown) => unknown, innermost: unknown): unknown {
  let value = innermost;
  for (let level = 1; level < levels; level++) value = around(value);
  return value;
}

function made({ return: kind, value, levels = 500 }: Does): unknown {
  switch (kind) {
    case 'json':
      return value;
    case 'nul_value':
    case 'nul':
      return { rows: [{ name: 'a\0b' }] };
    case 'nul_key':
      return { rows: [{ 'na\0me': 1 }] };
    case 'deep_objects':
      return nested(levels, (inner) => ({ a: inner }), {});
    case 'deep_lists':
    case 'deep':
      return { a: nested(levels - 1, (inner) => [inner], []) };
    case 'cyclic': {
      const object: Record<string, unknown> = {};
      object.self = { again: object };
      return object;
    }
    case 'not_a_number':
      return { n: Number.NaN };
    case 'infinity':
      return { n: Number.POSITIVE_INFINITY };
    case 'bytes':
      return { data: Buffer.from([255, 254]) };
    case 'integer':
      return { n: BigInt(String(value)) };
    case 'lone_surrogate':
      return { text: '\ud800' };
    case 'unserialisable':
      return {
        at: {
          toJSON() {
            throw new Error('never');
          },
        },
      };
    default:
      throw new Error(`no such kind: ${kind}`);
  }
}

const DELAYS: Record<string, unknown> = {
  not_a_number: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  text: 'soon',
};

function errorOf({ raise, message, unreadable, code, delay, metadata }: Does): Error {
  const retryAfter = (typeof delay === 'string' ? DELAYS[delay] : delay) as number | undefined;
  const options = {
    ...(code !== undefined && { code }),
    ...(metadata !== undefined && { metadata: made({ return: metadata }) as Record<string, unknown> }),
    ...(retryAfter !== undefined && { retryAfter }),
  };
  const types = { plain: Error, permanent: PermanentError, retryable: RetryableError };
  const error = new types[raise as keyof typeof types](message ?? '', options);
  if (!unreadable) return error;
  for (const name of ['message', 'name', 'stack', 'code', 'metadata', 'retryAfter']) {
    Object.defineProperty(error, name, {
      get() {
        throw new Error('unreadable');
      },
    });
  }
  return error;
}

/** The worst that can be thrown. */
const STRANGE: Record<string, () => unknown> = {
  'a text': () => 'only a text',
  'an empty text': () => '',
  nothing: () => undefined,
  null: () => null,
  'a symbol': () => Symbol('odd'),
  'a BigInt': () => 1n,
  'an object without a prototype': () => Object.create(null),
  'an object whose text cannot be made': () => ({
    toString() {
      throw new Error('never');
    },
  }),
  'a proxy that refuses everything': () => {
    const refuse = () => {
      throw new Error('refused');
    };
    return new Proxy({}, { get: refuse, has: refuse, getPrototypeOf: refuse, ownKeys: refuse });
  },
  'an error whose fields are odd': () =>
    Object.assign(new Error('x'), { name: 7, stack: 42, code: {}, retryAfter: {} }),
  'an endless recursion': () => {
    const deeper = (): unknown => [deeper()];
    return deeper();
  },
};

async function run(handler: () => unknown): Promise<any> {
  const layer = new double.FfiLayer();
  void layer.load();
  const events = new TaskerEvents();
  events.on('*', (event) => seen.push(event));
  const step = defineStep('h', {}, handler);
  const handlers = new Map([['h', step]]);
  dispatcher = new Dispatcher(layer.getModule(), double as unknown as Core, handlers, 1, 'w', events, metrics);
  const { backoff, backoff_base_ms } = file.retry;
  control.queue.push(
    claimed({ callable: 'h', definition: { retryBackoff: backoff, retryBackoffBaseMs: backoff_base_ms } }),
  );
  dispatcher.start();
  await until('the step is answered', () => control.completions.length === 1);
  const { result } = control.completions[0]!;
  for (const stored of texts(result)) expect(stored).not.toMatch(/\0|[\ud800-\udbff](?![\udc00-\udfff])/);
  return result;
}

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [key, ...texts(item)]);
}

function countedOnce(outcome: string): void {
  expect(seen.filter(({ name }) => /completed|failed|checkpointed/.test(name)).map(({ name }) => name)).toEqual([
    outcome === 'completed' ? 'step:completed' : 'step:failed',
  ]);
  expect(metrics.render()).toMatch(
    new RegExp(`handler_executions_total{handler="h",outcome="(?:${outcome})"} 1\n(?!tasker_contrib_handler_exec)`),
  );
}

function problems(result: any, expected: Expected): string | undefined {
  const { outcome, error_type, retryable, message = [], code, result: value, delay } = expected;
  const wrong = [
    outcome !== (result.success ? 'completed' : 'failed') && 'outcome',
    error_type && error_type !== result.error?.errorType && 'error_type',
    retryable !== undefined && retryable !== result.error?.retryable && 'retryable',
    message.some((part) => !String(result.error?.message).includes(part)) && 'message',
    code && code !== result.metadata.errorCode && 'code',
    value && !Bun.deepEquals(value, result.result) && 'result',
    delay !== undefined &&
      delay !== Number(result.orchestrationMetadata?.headers['retry-after'] ?? 0) &&
      `delay ${result.orchestrationMetadata?.headers['retry-after']}`,
  ].filter(Boolean);
  return wrong.length ? `${wrong.join(', ')}: ${JSON.stringify(result.error ?? result.result)}` : undefined;
}

beforeEach(() => {
  for (const list of [control.queue, control.domainEvents, control.completions, control.checkpoints]) list.length = 0;
  control.pending.clear();
  control.refuse = undefined;
  control.refuseCheckpoints = false;
  control.running = true;
  metrics = new Metrics();
  seen = [];
  spyOn(console, 'warn').mockImplementation(() => {});
  spyOn(console, 'error').mockImplementation(() => {});
});

afterEach(() => {
  dispatcher?.stop();
  control.running = false;
});

const cases = file.cases.filter(({ does }) => does.raise !== 'not_an_error').map((row) => [row.name, row] as const);

test.each(cases)('%s', async (_, { does, expect: wanted }) => {
  const result = await run(() => {
    if (does.return) return made(does);
    if (does.checkpoint === 'nul') return checkpoint('a\0b', 1);
    if (does.checkpoint) return checkpoint(1, 1, made({ return: does.checkpoint }) as Record<string, unknown>);
    throw errorOf(does);
  });
  const found = (wanted.either ?? [wanted]).map((expected) => problems(result, expected));
  expect(found).toContain(undefined);
  countedOnce(result.success ? 'completed' : 'failed|retryable');
});

test.each(Object.entries(STRANGE))('what is not an error: %s', async (_, make) => {
  const result = await run(() => {
    throw make();
  });
  expect(result.error?.errorType, Bun.inspect(result)).toBe('handler_error');
  expect(result.error.message).toMatch(/./);
  countedOnce('failed|retryable');
});

test('a check of branches that throws fails the step', async () => {
  const result = run(() => ({}));
  if (dispatcher) {
    dispatcher.checkBranches = () => {
      throw new Error('odd template');
    };
  }
  expect((await result).error).toMatchObject({ message: 'Error: odd template' });
});

test('an end that Core does not take is not told as a success', async () => {
  const answered = run(() => {
    control.pending.clear();
    return {};
  });
  await until('it is told', () => seen.some(({ name }) => name === 'step:failed'));
  countedOnce('failed');
  // For the helper above, which waits.
  control.completions.push({ eventId: '', result: {} });
  await answered;
});

test('the limits are those of the cases', () => {
  expect([LEVELS, LONGEST_DELAY]).toEqual([file.deepest, file.longest_delay]);
});
