/** A relay in a process of its own. With `KILL_AT=n` it kills itself at its n-th moment: before and after each statement and each request. */

import postgres from 'postgres';
import { createClient } from '../../src/client.ts';
import { OutboxRelay, type Query } from '../../src/outbox.ts';

const { DATABASE, SERVER, TABLE, KILL_AT } = process.env as Record<string, string>;
let moments = 0;

function moment(): void {
  moments++;
  if (moments === Number(KILL_AT)) process.kill(process.pid, 'SIGKILL');
}

async function watched<T>(work: () => Promise<T>): Promise<T> {
  moment();
  const result = await work();
  moment();
  return result;
}

const sql = postgres(DATABASE as string, { max: 1, onnotice: () => {} });
const client = createClient({
  url: SERVER as string,
  maxRetries: 0,
  fetch: (request) => watched(() => fetch(request)),
});
const transactional = <T>(work: (query: Query) => Promise<T>): Promise<T> =>
  sql.begin((tx) =>
    work((text, values) => watched(async () => [...(await tx.unsafe(text, values as never[]))])),
  ) as Promise<T>;

const relay = new OutboxRelay(transactional, client, { table: TABLE as string, pollMs: 50, log: () => {} });
process.once('SIGTERM', async () => {
  await relay.stop();
  await sql.end();
});
relay.start();
console.log('started');
