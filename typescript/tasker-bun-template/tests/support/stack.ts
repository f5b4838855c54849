/** Tasker's server and PostgreSQL, started by `tasker-dev` for a test process and gone with it; and a database with our tables. */

import { readFileSync } from 'node:fs';
import { openDatabase, type Sql } from '../../src/database.ts';
import { migrate } from '../../src/migrations.ts';
import { readSettings } from '../../src/settings.ts';

export interface Stack {
  /** Variables for processes of the application. */
  environment: Record<string, string>;
  /** Of the application's database. */
  sql: Sql;
}

let starting: Promise<Stack> | undefined;
let stop = async () => {};

/** Ends it, if it was started; `preload.ts` calls it after the last test. */
export function stopStack(): Promise<void> {
  return stop();
}

/** Started at the first call. */
export function stack(): Promise<Stack> {
  starting ??= start();
  return starting;
}

async function start(): Promise<Stack> {
  const program = process.env.TASKER_DEV_BIN ?? Bun.which('tasker-dev');
  if (!program) throw new Error('these tests need tasker-dev: set TASKER_DEV_BIN, or run only `bun test tests/unit`');
  // Its standard input ends with this process, even if that is killed.
  const child = Bun.spawn([program, 'up', '--json', '--until-stdin-ends', '--log-level', 'error'], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  stop = async () => {
    child.kill('SIGTERM');
    await child.exited;
  };
  const ready = JSON.parse(await firstLine(child.stdout)) as { orchestration_url: string; database_url: string };
  const url = new URL(ready.database_url);
  url.pathname = `/app_test_${process.pid}`;
  const environment = {
    PATH: process.env.PATH ?? '',
    APP_ENV: 'test',
    APP_DATABASE_URL: url.href,
    DATABASE_URL: ready.database_url,
    TASKER_ORCHESTRATION_URL: ready.orchestration_url,
    HOST: '127.0.0.1',
    PORT: '0',
  };
  await makeDatabase(ready.database_url, url.pathname.slice(1));
  const sql = openDatabase(readSettings(environment));
  await migrate(sql);
  stop = async () => {
    await sql.end({ timeout: 5 });
    child.kill('SIGTERM');
    await child.exited;
  };
  return { environment, sql };
}

async function makeDatabase(server: string, name: string): Promise<void> {
  const sql = openDatabase(readSettings({ APP_DATABASE_URL: server }));
  await sql`create database ${sql(name)}`;
  await sql.end();
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream
    .pipeThrough(new TextDecoderStream() as never)
    .getReader() as ReadableStreamDefaultReader<string>;
  let text = '';
  while (!text.includes('\n')) {
    const { done, value } = await reader.read();
    if (done) throw new Error('tasker-dev ended before it was ready');
    text += value;
  }
  return text;
}

/** Make the server know a template, as the worker's start does. */
export async function register(file: string): Promise<void> {
  const { environment } = await stack();
  const template = Bun.YAML.parse(readFileSync(file, 'utf8')) as Record<'name' | 'namespace_name' | 'version', string>;
  const sql = openDatabase(readSettings({ APP_DATABASE_URL: environment.DATABASE_URL }));
  const [row] = await sql`
    insert into tasker.task_namespaces (name, created_at, updated_at) values (${template.namespace_name}, now(), now())
    on conflict (name) do update set updated_at = now() returning task_namespace_uuid`;
  await sql`
    insert into tasker.named_tasks (name, version, task_namespace_uuid, configuration, created_at, updated_at)
    values (${template.name}, ${template.version}, ${row?.task_namespace_uuid}, ${sql.json(template)}, now(), now())
    on conflict do nothing`;
  await sql`select pgmq.create(${`worker_${template.namespace_name}_queue`})`;
  await sql.end();
}
