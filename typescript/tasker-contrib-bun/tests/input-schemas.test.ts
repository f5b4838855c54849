import { afterEach, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { createClient, InputSchemas, TaskerServer } from '../src/index.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

const templates = join(import.meta.dir, 'fixtures/schemas');
const sent: string[] = [];
const server = Bun.serve({
  port: 0,
  async fetch(request) {
    sent.push(await request.text());
    return Response.json({ task_uuid: crypto.randomUUID() });
  },
});
const url = `http://127.0.0.1:${server.port}`;
afterEach(() => {
  sent.length = 0;
});

async function refusal(context: object, options: { version?: string } = {}): Promise<string> {
  const client = createClient({ url, checkContext: new InputSchemas(templates).check });
  return client.createTask('order', context, { namespace: 'shop', ...options }).then(
    () => 'accepted',
    (error: Error) => error.message,
  );
}

test('a context that does not fit is refused with every place, and nothing is sent', async () => {
  const message = await refusal({ order_id: 0, lines: [{ cents: 1 }, { cents: '2' }] });
  expect(message).toStartWith('the context does not match the input_schema of shop/order 1.0.0: ');
  expect(message).toContain('order_id: 0 is less than');
  expect(message).toContain('lines.1.cents: ');
  expect(await refusal({ order_id: 1 })).toContain('(context): Instance does not have required property "lines"');
  expect(sent).toEqual([]);
});

test('what is checked is the JSON that is sent', async () => {
  const lines = [{ cents: 1 }];
  expect(await refusal({ order_id: 1, lines, placed_at: new Date(0) })).toBe('accepted');
  expect(await refusal({ order_id: undefined, lines })).toContain('order_id');
});

test('templates that are not here are not checked', async () => {
  expect(await refusal({}, { version: '2.0.0' })).toBe('accepted');
  const client = createClient({ url, checkContext: new InputSchemas('/nonexistent').check });
  await client.createTask('order', {}, { namespace: 'shop' });
  expect(sent.length).toBe(2);
});

test("a server's client checks against the server's templates", async () => {
  const { client } = new TaskerServer({ mode: 'client', templates, orchestration: { url } });
  await expect(client.createTask('order', {}, { namespace: 'shop' })).rejects.toMatchObject({ code: 'validation' });
  expect(sent).toEqual([]);
});
