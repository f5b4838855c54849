/**
 * The tables.
 *
 * Every file of `migrations/` is run once, in the order of their names, each in a transaction. A file that has been deployed is never
 * changed; what has to be different is the next file.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sql } from './database.ts';

const FOLDER = join(import.meta.dir, '../migrations');
/** Any number, as long as nothing else in the database uses it. */
export const LOCK = 7_302_511;

/** Run what has not been run; the names of these files. */
export async function migrate(sql: Sql, folder = FOLDER): Promise<string[]> {
  const session = await sql.reserve();
  try {
    // Two deployments at the same time: the second one waits, and finds nothing to do.
    await session`select pg_advisory_lock(${LOCK})`;
    await session`create schema if not exists app`;
    await session`create table if not exists app.migrations (name text primary key, run_at timestamptz not null default now())`;
    const rows = await session<{ name: string }[]>`select name from app.migrations`;
    const done = new Set(rows.map(({ name }) => name));
    const due = readdirSync(folder)
      .filter((name) => name.endsWith('.sql') && !done.has(name))
      .sort();
    for (const name of due) await runFile(session, join(folder, name), name);
    return due;
  } finally {
    await session`select pg_advisory_unlock(${LOCK})`;
    session.release();
  }
}

async function runFile(session: Sql, file: string, name: string): Promise<void> {
  await session`begin`;
  try {
    await session.unsafe(readFileSync(file, 'utf8')).simple();
    await session`insert into app.migrations (name) values (${name})`;
    await session`commit`;
  } catch (error) {
    await session`rollback`;
    throw new Error(`migrations/${name}: ${(error as Error).message}`);
  }
}
