import { beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { createClient, type TaskerClient, TaskerClientError } from '../src/client.ts';
import { register, stack } from './support/stack.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

const missing = '019aaaaa-0000-7000-8000-000000000000';

function answering(...answers: (Response | Error)[]): { client: TaskerClient; requests: Request[] } {
  const requests: Request[] = [];
  const client = createClient({
    url: 'http://127.0.0.1:1',
    fetch: async (request) => {
      requests.push(request);
      const next = answers.length > 1 ? answers.shift() : answers[0];
      if (next instanceof Error) throw next;
      return (next as Response).clone();
    },
  });
  return { client, requests };
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers });

async function failure(promise: Promise<unknown>): Promise<TaskerClientError> {
  const error = await promise.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(TaskerClientError);
  return error as TaskerClientError;
}

describe('on the real server', () => {
  let client: TaskerClient;
  beforeAll(async () => {
    client = createClient({ url: (await stack()).orchestrationUrl });
    const step = (name: string, dependencies: string[] = []) => ({
      name,
      handler: { callable: `bun_client.${name}`, initialization: {} },
      dependencies,
    });
    await register({
      name: 'ship',
      namespace_name: 'bun_client',
      version: '1.0.0',
      steps: [step('price'), step('pack', ['price'])],
    });
  }, 60_000);

  test('creates, reads, lists and cancels', async () => {
    const context = { nonce: crypto.randomUUID() };
    const task = await client.createTask('ship', context, { namespace: 'bun_client', tags: ['a'] });
    expect(task.context).toEqual(context);
    expect((await client.getTask(task)).task_uuid).toBe(task.task_uuid);
    const steps = await client.steps(task);
    expect(steps.map((step) => step.name).sort()).toEqual(['pack', 'price']);
    expect((await client.getStep(task, steps[0]!.step_uuid)).step_uuid).toBe(steps[0]!.step_uuid);
    const page = await client.listTasks({ namespace: 'bun_client', perPage: 1 });
    expect(page.tasks.length).toBe(1);
    expect(page.total).toBeGreaterThan(0);
    expect((await client.cancelTask(task)).status).toBe('cancelled');
    expect((await client.wait(task)).status).toBe('cancelled');
    expect((await failure(client.cancelTask(task))).code).toBe('validation');
  });

  test('the same context is a conflict, or the existing task', async () => {
    const context = { nonce: crypto.randomUUID(), nested: { b: 1, a: [2] } };
    const first = await client.createTask('ship', context, { namespace: 'bun_client' });
    const error = await failure(client.createTask('ship', context, { namespace: 'bun_client' }));
    expect([error.code, error.status]).toEqual(['conflict', 409]);
    const reordered = { nested: { a: [2], b: 1 }, nonce: context.nonce };
    const again = await client.createTask('ship', reordered, { namespace: 'bun_client', idempotent: true });
    expect(again.task_uuid).toBe(first.task_uuid);
  });

  test('what is missing is named', async () => {
    const error = await failure(client.createTask('shop', {}, { namespace: 'bun_client' }));
    expect(error.message).toContain('template bun_client/shop 1.0.0 is not registered');
    expect((await failure(client.getTask(missing))).code).toBe('not_found');
  });

  test('waits no longer than it was told', async () => {
    const task = await client.createTask('ship', { nonce: crypto.randomUUID() }, { namespace: 'bun_client' });
    const error = await failure(client.wait(task, { timeoutMs: 60 }));
    expect(error.code).toBe('timeout');
    const signal = AbortSignal.abort(new Error('enough'));
    expect(client.wait(task, { signal })).rejects.toThrow('enough');
  });

  test('is healthy', async () => {
    expect((await client.health()).healthy).toBe(true);
    expect((await createClient({ url: 'http://127.0.0.1:1' }).health()).healthy).toBe(false);
  });
});

describe('without a server', () => {
  test('backpressure is repeated after what the server says', async () => {
    const busy = json(503, { error: { code: 'BACKPRESSURE', message: 'full' } }, { 'retry-after': '0' });
    const { client, requests } = answering(busy, busy, json(200, { task_uuid: missing }));
    expect((await client.createTask('ship')).task_uuid).toBe(missing);
    expect(requests.length).toBe(3);
    const always = answering(busy);
    const error = await failure(always.client.createTask('ship'));
    expect([error.code, error.retryAfter, always.requests.length]).toEqual(['backpressure', 0, 4]);
  });

  test('a repetition after a lost answer means created', async () => {
    const exists = json(409, { error: { code: 'CONFLICT', message: 'exists' } });
    const task = { task_uuid: missing, name: 'ship', version: '1.0.0', context: { a: 1 } };
    const list = json(200, { tasks: [task], pagination: {} });
    const { client } = answering(new Error('connection reset'), exists, list, json(200, task));
    expect((await client.createTask('ship', { a: 1 })).task_uuid).toBe(missing);
  });

  test('a conflict after a request that was never sent is a conflict', async () => {
    const exists = json(409, { error: { code: 'CONFLICT', message: 'exists' } });
    const task = { task_uuid: missing, name: 'ship', version: '1.0.0', context: { a: 1 } };
    const refused = Object.assign(new Error('Unable to connect'), { code: 'ConnectionRefused' });
    const { client, requests } = answering(refused, exists, json(200, { tasks: [task], pagination: {} }));
    expect((await failure(client.createTask('ship', { a: 1 }))).code).toBe('conflict');
    expect(requests.length).toBe(2);
  });

  test('a creation that the server failed on is repeated, and may have been stored', async () => {
    const task = { task_uuid: missing, name: 'ship', version: '1.0.0', context: {} };
    const page = { tasks: [task], pagination: { has_next: false } };
    const error = json(500, { error: { message: 'Database operation failed' } });
    const conflict = json(409, { error: { message: 'exists' } });
    const { client, requests } = answering(error, conflict, json(200, page), json(200, task));
    expect((await client.createTask('ship')).task_uuid).toBe(missing);
    expect(requests.length).toBe(4);
    const other = answering(error);
    expect((await failure(other.client.getTask(missing))).code).toBe('server');
    expect(other.requests.length).toBe(1);
  });

  test('other answers are not repeated', async () => {
    for (const [status, code] of [
      [400, 'validation'],
      [401, 'unauthorized'],
      [404, 'not_found'],
      [500, 'server'],
    ] as const) {
      const { client, requests } = answering(json(status, { error: { code: 'X', message: 'why' } }));
      const error = await failure(client.getTask(missing));
      expect([error.code, error.status, requests.length]).toEqual([code, status, 1]);
      expect(error.message).toContain('why');
    }
  });

  test('plain text answers are understood', async () => {
    const { client } = answering(new Response('Failed to parse', { status: 422 }));
    expect((await failure(client.getTask(missing))).message).toBe('the server answered 422: Failed to parse');
  });

  test('a server that is away is an error with its address', async () => {
    const client = createClient({ url: 'http://127.0.0.1:1', maxRetries: 0 });
    const error = await failure(client.getTask(missing));
    expect(error.code).toBe('unavailable');
    expect(error.message).toContain('http://127.0.0.1:1/v1/tasks/');
  });

  test('bad arguments are refused before a call', async () => {
    const { client, requests } = answering(json(200, {}));
    expect((await failure((async () => client.getTask('../health'))())).message).toBe('"../health" is not a UUID');
    expect((await failure(client.listTasks({ status: 'complete' as 'completed' }))).code).toBe('validation');
    expect((await failure(client.listTasks({ perPage: 101 }))).code).toBe('validation');
    expect(() => createClient({ url: 'localhost:8080' })).toThrow('must begin with http');
    expect(requests.length).toBe(0);
  });

  test('an answer that is not JSON is named, and not asked for again', async () => {
    const { client, requests } = answering(new Response('<html>welcome</html>'));
    const { code, message } = await failure(client.getTask(missing));
    expect([code, requests.length]).toEqual(['server', 1]);
    expect(message).toContain('something that is not JSON');
  });

  test('a proxy of the environment is named when it stands in the way of this machine', async () => {
    process.env.HTTP_PROXY = 'http://127.0.0.1:9';
    try {
      const { client } = answering(new TypeError('fetch failed'));
      expect((await failure(client.getTask(missing))).message).toContain('add 127.0.0.1 to NO_PROXY');
    } finally {
      delete process.env.HTTP_PROXY;
    }
  });

  test('a context that the server could not store is refused before a call', async () => {
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    for (const context of [{ a: 'x\0y' }, { n: 1n }, cyclic, { data: new Uint8Array(2) }]) {
      const { client, requests } = answering(json(200, {}));
      const { code, message } = await failure(client.createTask('t', context));
      expect([code, requests.length]).toEqual(['validation', 0]);
      expect(message).toStartWith('context');
    }
  });

  test('concurrency is bounded', async () => {
    let now = 0;
    let most = 0;
    const client = createClient({
      url: 'http://127.0.0.1:1',
      maxConcurrency: 3,
      fetch: async () => {
        most = Math.max(most, ++now);
        await Bun.sleep(1);
        now--;
        return json(200, {});
      },
    });
    await Promise.all(Array.from({ length: 20 }, () => client.getTask(missing)));
    expect([most, now]).toEqual([3, 0]);
  });

  test('credentials go along', async () => {
    const seen: Headers[] = [];
    const fetch = async (request: Request) => {
      seen.push(request.headers);
      return json(200, {});
    };
    await createClient({ url: 'http://127.0.0.1:1', token: 't', fetch }).getTask(missing);
    await createClient({ url: 'http://127.0.0.1:1', apiKey: 'k', apiKeyHeader: 'X-K', fetch }).getTask(missing);
    expect(seen.map((headers) => [headers.get('authorization'), headers.get('x-k')])).toEqual([
      ['Bearer t', null],
      [null, 'k'],
    ]);
  });
});
