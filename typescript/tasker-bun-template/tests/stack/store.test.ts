/** What is in PostgreSQL. */

import { expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outboxStatements } from 'tasker-contrib-bun/outbox';
import { SqlDocuments } from '../../src/documents/store.ts';
import { LOCK, migrate } from '../../src/migrations.ts';
import { OUTBOX } from '../../src/tasks.ts';
import { addUser, hasPassword, newUser, SqlUsers } from '../../src/users.ts';
import { PASSWORD } from '../support/app.ts';
import { stack } from '../support/stack.ts';
import { checkStore } from '../support/store-checks.ts';
import { PATIENCE, until } from '../support/until.ts';

setDefaultTimeout(2 * PATIENCE);

checkStore(async () => {
  const { sql } = await stack();
  const owner = await newUser(`${crypto.randomUUID()}@example.org`, PASSWORD);
  await new SqlUsers(sql).add(owner);
  const requests = async () => {
    const rows = await sql<{ id: string }[]>`select correlation_id::text as id from app.tasker_outbox`;
    return rows.map(({ id }) => id);
  };
  return { documents: new SqlDocuments(sql), owner: owner.id, requests };
});

test('a document without its owner leaves no task', async () => {
  const { sql } = await stack();
  const [id, requestId] = [crypto.randomUUID(), crypto.randomUUID()];
  const document = { id, owner_id: crypto.randomUUID(), filename: 'a', content: new Uint8Array() };
  const task = { template: 'intake_document', documentId: id, requestId } as const;
  await expect(new SqlDocuments(sql).add(document, task)).rejects.toThrow('documents_owner_id_fkey');
  expect(await sql`select id from app.tasker_outbox where correlation_id = ${requestId}`).toBeEmpty();
});

test('a task that cannot be stored leaves no document', async () => {
  const { sql } = await stack();
  const owner = await newUser(`${crypto.randomUUID()}@example.org`, PASSWORD);
  await new SqlUsers(sql).add(owner);
  const [id, documents] = [crypto.randomUUID(), new SqlDocuments(sql)];
  const document = { id, owner_id: owner.id, filename: 'a', content: new Uint8Array() };
  const task = { template: 'intake_document', documentId: id, requestId: 'not a UUID' } as const;
  await expect(documents.add(document, task)).rejects.toThrow('invalid input syntax for type uuid');
  expect(await documents.get(id)).toBeUndefined();
});

test('a second deployment waits for the first one', async () => {
  const { sql } = await stack();
  const first = await sql.reserve();
  await first`select pg_advisory_lock(${LOCK})`;
  const second = migrate(sql);
  await until('the second one waits', async () => {
    const [row] = await sql`select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted`;
    return row?.n === 1;
  });
  await first`select pg_advisory_unlock(${LOCK})`;
  first.release();
  expect(await second).toEqual([]);
});

test('migrations are run once, and a wrong one leaves nothing', async () => {
  const { sql } = await stack();
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  try {
    expect(await migrate(sql)).toEqual([]);
    writeFileSync(
      join(folder, '9001_probe.sql'),
      'create table app.probe (n integer);\ninsert into app.probe values (1);',
    );
    expect(await migrate(sql, folder)).toEqual(['9001_probe.sql']);
    expect(await migrate(sql, folder)).toEqual([]);
    writeFileSync(join(folder, '9002_wrong.sql'), 'create table app.half (n integer);\nselect nothing;');
    await expect(migrate(sql, folder)).rejects.toThrow('migrations/9002_wrong.sql: column "nothing" does not exist');
    expect(await sql`select to_regclass('app.half') as half`).toEqual([{ half: null }] as never);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the outbox is the package's", async () => {
  const migration = await Bun.file(join(import.meta.dir, '../../migrations/0002_outbox.sql')).text();
  const [, ...statements] = migration.split('\n');
  expect(statements.join('\n').trim()).toBe(`${outboxStatements(OUTBOX).join(';\n')};`);
});

test('users are added once', async () => {
  const { sql } = await stack();
  expect(await addUser(sql, 'nobody', PASSWORD, false)).toBe('"nobody" is not an e-mail address');
  expect(await addUser(sql, 'Rita@Example.org', 'short', true)).toBe('the password needs 12 characters or more');
  expect(await addUser(sql, 'Rita@Example.org', PASSWORD, true)).toBeUndefined();
  expect(await addUser(sql, 'Rita@Example.org', PASSWORD, true)).toBe('there is a user Rita@Example.org already');
  const users = new SqlUsers(sql);
  const user = await users.byEmail('rita@example.org');
  expect(user).toMatchObject({ is_reviewer: true });
  expect(await hasPassword(user, PASSWORD)).toBeTrue();
  expect(await hasPassword(user, `${PASSWORD}!`)).toBeFalse();
  expect(await users.get(user?.id ?? '')).toEqual(user);
});
