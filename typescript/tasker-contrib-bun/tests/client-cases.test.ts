import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type TaskerClient, TaskerClientError } from '../src/client.ts';
import { stack } from './support/stack.ts';

setDefaultTimeout(60_000);

interface Case {
  call: string;
  arguments: unknown[];
  options?: Record<string, unknown>;
  method: string;
  path: string;
  query?: Record<string, string>;
  body?: unknown;
  answer: Record<string, unknown>;
}

const cases: Case[] = JSON.parse(
  readFileSync(join(import.meta.dir, '../../../xtask/contract/client-cases/cases.json'), 'utf8'),
);
const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const [TASK = '', STEP = ''] = (cases[0]?.arguments ?? []) as string[];

type Call = (...args: unknown[]) => Promise<unknown>;
const method = (client: TaskerClient, name: string) => (client as unknown as Record<string, Call>)[name]?.bind(client);

test.each(cases.map((found) => [found.call, found] as const))('%s sends what the case says', async (name, found) => {
  const requests: Request[] = [];
  const client = createClient({
    url: 'http://127.0.0.1:1',
    fetch: async (request) => {
      requests.push(request);
      return Response.json(found.answer);
    },
  });
  const options = Object.fromEntries(Object.entries(found.options ?? {}).map(([key, value]) => [camel(key), value]));
  const given = found.options ? [...found.arguments, options] : found.arguments;
  const result = await method(client, camel(name))?.(...given);
  const [request] = requests;
  const url = new URL(request?.url ?? '');
  expect([request?.method, url.pathname]).toEqual([found.method, found.path]);
  // What is left out in the case has the server's own value.
  const query = Object.fromEntries(url.searchParams);
  expect(query).toEqual(found.query ?? {});
  expect(request?.body ? await request.json() : undefined).toEqual(found.body);
  const wanted = name === 'list_templates' ? found.answer.templates : found.answer;
  expect(result as unknown).toEqual(name === 'update_dead_letter' ? undefined : wanted);
});

test('the real server takes them', async () => {
  const client = createClient({ url: (await stack()).orchestrationUrl });
  expect((await client.performance({ hours: 1 })).total_tasks).toBeNumber();
  expect((await client.bottlenecks()).slow_steps).toBeArray();
  expect(await client.deadLetters({ resolution: 'Pending', limit: 1 })).toEqual([]);
  expect(await client.deadLetterStats()).toEqual([]);
  expect(await client.investigationQueue()).toEqual([]);
  expect(await client.staleTasks()).toBeArray();
  expect(await client.listTemplates()).toBeArray();
  for (const missing of [
    () => client.taskSummary(TASK),
    () => client.getStep(TASK, STEP),
    () => client.stepAudit(TASK, STEP),
    () => client.getTemplate('no', 'such', '1.0.0'),
    () => client.deadLetter(TASK),
    () => client.retryStep(TASK, STEP, { reason: 'a test' }),
  ]) {
    const error = await missing().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TaskerClientError);
    expect((error as TaskerClientError).code).toBe('not_found');
  }
});

describe('with another timeout', () => {
  test('one call is given up earlier, over the same slots', async () => {
    let seen = 0;
    const client = createClient({
      url: 'http://127.0.0.1:1',
      maxRetries: 0,
      maxConcurrency: 1,
      timeoutMs: 3_600_000,
      fetch: (request) => {
        seen++;
        return new Promise((_, reject) =>
          request.signal.addEventListener('abort', () => reject(request.signal.reason)),
        );
      },
    });
    const error = await client
      .withTimeout(20)
      .getTask(TASK)
      .catch((thrown: unknown) => thrown);
    expect((error as TaskerClientError).code).toBe('timeout');
    void client.getTask(TASK).catch(() => {});
    void client
      .withTimeout(5000)
      .getTask(TASK)
      .catch(() => {});
    await Bun.sleep(0);
    expect(seen).toBe(2);
  });
});
