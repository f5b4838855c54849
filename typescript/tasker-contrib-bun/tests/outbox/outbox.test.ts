import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import postgres from 'postgres';
import { createClient, type TaskerClient } from '../../src/client.ts';
import { enqueue, Outbox, OutboxRelay, outboxStatements } from '../../src/outbox.ts';
import { TaskerServer } from '../../src/server.ts';
import { register, stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

setDefaultTimeout(120_000);

const NS = 'bun_outbox';
let sql: ReturnType<typeof postgres>;
let database: string;
let server: string;
let client: TaskerClient;
let table: string;
let outbox: Outbox;
let log: string[];

beforeAll(async () => {
  ({ databaseUrl: database, orchestrationUrl: server } = await stack());
  sql = postgres(database, { max: 5, onnotice: () => {} });
  client = createClient({ url: server, maxRetries: 0 });
  await sql.unsafe('create schema bun_shop');
  const steps = [{ name: 'pack', handler: { callable: `${NS}.pack`, initialization: {} }, dependencies: [] }];
  await register({ name: 'ship', namespace_name: NS, version: '1.0.0', steps });
});
afterAll(() => sql.end());

beforeEach(async () => {
  table = `bun_shop.outbox_${crypto.randomUUID().slice(0, 8)}`;
  for (const statement of outboxStatements(table)) await sql.unsafe(statement);
  outbox = new Outbox(sql, { table });
  log = [];
});

const relay = () =>
  new OutboxRelay(sql, client, { table, pollMs: 20, log: (level, line) => log.push(`${level} ${line}`) });
const unique = () => ({ order: crypto.randomUUID() });
const write = (context: object, options = {}) => enqueue(sql, 'ship', context, { table, namespace: NS, ...options });

/** The tasks of the server with this order. */
async function tasks(order: string): Promise<{ task_uuid: string; correlation_id: string }[]> {
  return sql`select task_uuid::text, correlation_id::text from tasker.tasks where context->>'order' = ${order}`;
}

test('a row is part of the transaction, and becomes one task', async () => {
  const [kept, gone] = [unique(), unique()];
  const written = await sql.begin((tx) =>
    enqueue(tx, 'ship', kept, { table, namespace: NS, priority: 7, tags: ['a'] }),
  );
  const rolledBack = sql.begin(async (tx) => {
    await enqueue(tx, 'ship', gone, { table, namespace: NS });
    throw new Error('rolled back');
  });
  await expect(rolledBack).rejects.toThrow('rolled back');
  expect(await outbox.stats()).toMatchObject({ open: 1, dead: 0 });
  expect(await relay().relayAll()).toBe(1);
  const [task, ...more] = await tasks(kept.order);
  expect(more).toEqual([]);
  expect(task?.correlation_id).toBe(written.correlationId);
  expect(await client.getTask(task?.task_uuid ?? '')).toMatchObject({ priority: 7, tags: ['a'] });
  expect(await tasks(gone.order)).toEqual([]);
  expect(await outbox.stats()).toEqual({ open: 0, dead: 0, lagSeconds: 0 });
});

test('it runs until it is stopped, and tells of its tasks', async () => {
  const told: string[] = [];
  const running = new OutboxRelay(sql, client, {
    table,
    pollMs: 20,
    onCreated: ({ task_uuid }) => told.push(task_uuid),
  });
  running.start();
  running.start();
  const contexts = [unique(), unique(), unique()];
  for (const context of contexts) await write(context);
  await until('three tasks', () => told.length === 3);
  await running.stop();
  await write(unique());
  expect(await outbox.stats()).toMatchObject({ open: 1 });
});

test('its rows are metrics of the server, and no figures are while they cannot be read', async () => {
  const own = postgres(database, { max: 2, onnotice: () => {} });
  const served = new TaskerServer({ mode: 'client', port: 0, signals: false, outbox: new Outbox(own, { table }) });
  await served.start();
  const metrics = async () => {
    const text = await (await fetch(`${served.url}/tasker/metrics`)).text();
    return Object.fromEntries(
      [...text.matchAll(/^tasker_contrib_outbox_(\w+) (\S+)$/gm)].map(([, name, value]) => [name, value]),
    );
  };
  try {
    await write(unique());
    await sql.unsafe(`update ${table} set created_at = now() - interval '1 hour'`);
    expect(await metrics()).toMatchObject({
      up: '1',
      open: '1',
      dead: '0',
      lag_seconds: expect.stringMatching(/^36\d\d/),
    });
    // The database does not answer: somebody else has the table.
    await sql.begin(async (tx) => {
      await tx.unsafe(`lock table ${table} in access exclusive mode`);
      expect(await metrics()).toEqual({ up: '0' });
      expect(await metrics()).toEqual({ up: '0' });
      // The two scrapes have asked it once.
      const [asked] =
        await sql`select count(*)::int as count from pg_locks where relation = ${table}::regclass and not granted`;
      expect(asked?.count).toBe(1);
    });
    await until('the rows can be read again', async () => (await metrics()).up === '1');
    await own.end();
    expect(await metrics()).toEqual({ up: '0' });
  } finally {
    await served.stop();
    await own.end();
  }
});

test('the task of somebody else makes a row dead, until a person decides', async () => {
  const context = unique();
  await client.createTask('ship', context, { namespace: NS });
  await write(context);
  await write(context, { onConflict: 'ignore' });
  expect(await relay().relayAll()).toBe(1);
  const [row, ...more] = await outbox.rows({ dead: true });
  expect(more).toEqual([]);
  expect(row?.lastError).toContain('was created by somebody else; discard the row if');
  expect(log[0]).toStartWith(`error outbox row ${row?.id} (${NS}/ship 1.0.0) is dead: task `);
  expect(await outbox.retry([row?.id ?? ''])).toBe(1);
  expect(await outbox.stats()).toMatchObject({ open: 1, dead: 0 });
  await relay().relayAll();
  expect(await outbox.discard()).toBe(1);
  expect(await outbox.rows()).toEqual([]);
});

test('a template that nobody has registered is waited for', async () => {
  await enqueue(sql, 'shipp', unique(), { table, namespace: NS });
  expect(await relay().relayAll()).toBe(0);
  const [row] = await outbox.rows();
  expect(row).toMatchObject({ attempts: 1, isDead: false });
  expect(row?.lastError).toContain('is not registered');
  await sql.unsafe(`update ${table} set attempts = 19, not_before = now()`);
  await relay().relayAll();
  expect(await outbox.rows({ dead: true })).toHaveLength(1);
});

test('a server that is away is left alone, and a row loses nothing by it', async () => {
  await write(unique());
  await write(unique());
  let asked = 0;
  const away = createClient({
    url: 'http://127.0.0.1:1',
    maxRetries: 0,
    fetch: async () => {
      asked++;
      throw new TypeError('refused');
    },
  });
  await new OutboxRelay(sql, away, { table, log: (level, line) => log.push(`${level} ${line}`) }).relayAll();
  expect(asked).toBe(1);
  expect(log[0]).toStartWith('warn outbox row ');
  expect(await outbox.stats()).toMatchObject({ open: 2, dead: 0 });
  expect((await outbox.rows()).map((row) => row.attempts)).toEqual([0, 0]);
});

test('rows of a key are relayed in their order, and a dead one holds back the others', async () => {
  const conflict = unique();
  await client.createTask('ship', conflict, { namespace: NS });
  const [before, after, other] = [unique(), unique(), unique()];
  await write(before, { orderingKey: 'k' });
  await write(conflict, { orderingKey: 'k' });
  await write(after, { orderingKey: 'k' });
  await write(other);
  expect(await relay().relayAll()).toBe(2);
  expect([await tasks(after.order), await tasks(other.order)].map(({ length }) => length)).toEqual([0, 1]);
  await outbox.discard();
  expect(await relay().relayAll()).toBe(1);
});

test('a second transaction with a key waits for the first one', async () => {
  const order: string[] = [];
  const held = Promise.withResolvers<void>();
  const first = sql.begin(async (tx) => {
    await enqueue(tx, 'ship', unique(), { table, namespace: NS, orderingKey: 'k' });
    await held.promise;
    order.push('first');
  });
  await until('the lock', async () => (await sql`select from pg_locks where locktype = 'advisory'`).length > 0);
  const second = write(unique(), { orderingKey: 'k' }).then(() => order.push('second'));
  await until(
    'it waits',
    async () => (await sql`select from pg_locks where locktype = 'advisory' and not granted`).length,
  );
  held.resolve();
  await Promise.all([first, second]);
  expect(order).toEqual(['first', 'second']);
});

test('what another relay has in hand is skipped', async () => {
  await write(unique());
  await sql.begin(async (tx) => {
    await tx.unsafe(`select from ${table} for update`);
    expect(await relay().relayAll()).toBe(0);
  });
  expect(await relay().relayAll()).toBe(1);
});

test('mistakes are refused before anything is written', async () => {
  expect(() => outboxStatements('x; drop table y')).toThrow('is not a name like tasker_outbox');
  await expect(write({ text: 'a\0b' })).rejects.toThrow('context');
  await expect(write(unique(), { onConflict: 'no' as 'dead' })).rejects.toThrow(
    "onConflict must be 'dead' or 'ignore'",
  );
  expect(await outbox.rows()).toEqual([]);
});

describe('kill -9 of a relay', () => {
  const start = (killAt = 0) =>
    Bun.spawn([process.execPath, join(import.meta.dir, 'relay-process.ts')], {
      env: { PATH: process.env.PATH, DATABASE: database, SERVER: server, TABLE: table, KILL_AT: String(killAt) },
      stdout: 'ignore',
      stderr: 'inherit',
    });

  test('at each statement and each request: none lost, none twice', async () => {
    let moments = 0;
    for (let killAt = 1; ; killAt++) {
      const context = unique();
      await write(context);
      const killed = start(killAt);
      const end = await Promise.race([
        killed.exited,
        until('the row is gone', async () => (await outbox.stats()).open === 0).then(() => 'relayed'),
      ]);
      killed.kill('SIGKILL');
      await killed.exited;
      await until('a task', async () => {
        await relay().relayAll();
        return (await outbox.stats()).open === 0;
      });
      expect(await tasks(context.order)).toHaveLength(1);
      // Killed after the commit, it has looked for the next row already.
      if (end === 'relayed') break;
      moments = killAt;
    }
    expect(moments).toBeGreaterThanOrEqual(6);
  });

  test('SIGTERM ends it with 0', async () => {
    const context = unique();
    await write(context);
    const process = start();
    await until('its task', async () => (await tasks(context.order)).length > 0);
    process.kill('SIGTERM');
    expect(await process.exited).toBe(0);
    expect((await outbox.stats()).open).toBe(0);
  });

  test('two relays, killed again and again: each row is one task', async () => {
    const contexts = Array.from({ length: 20 }, unique);
    for (const context of contexts) await write(context);
    let relays = [start(), start()];
    for (let round = 0; (await outbox.stats()).open > 0; round++) {
      expect(round).toBeLessThan(200);
      await Bun.sleep(50 + Math.random() * 300);
      const [victim, ...others] = relays;
      victim?.kill('SIGKILL');
      relays = [...others, start()];
    }
    for (const process of relays) process.kill('SIGKILL');
    for (const context of contexts) expect(await tasks(context.order)).toHaveLength(1);
  });
});
