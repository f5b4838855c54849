/** The local Tasker stack: one throw-away tasker-dev for a test process. */

// Bun's own client refuses the few SCRAM rounds of a throw-away database.
import postgres from 'postgres';

export interface Stack {
  orchestrationUrl: string;
  databaseUrl: string;
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
  const binary = process.env.TASKER_DEV_BIN;
  if (!binary) {
    throw new Error('TASKER_DEV_BIN is not set; run cargo xtask test --unit typescript/tasker-contrib-bun');
  }
  // Its standard input ends with this process, even if that is killed.
  const child = Bun.spawn([binary, 'up', '--json', '--until-stdin-ends', '--log-level', 'error'], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  stop = async () => {
    child.kill('SIGTERM');
    await child.exited;
  };
  const reader = child.stdout.getReader();
  let text = '';
  while (!text.includes('\n')) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`tasker-dev did not start: it ended with ${await child.exited}`);
    text += new TextDecoder().decode(value);
  }
  const ready = JSON.parse(text) as { orchestration_url: string; database_url: string };
  return { orchestrationUrl: ready.orchestration_url, databaseUrl: ready.database_url };
}

/** Without a worker there is nobody who registers templates, so this does what a worker's boot does. */
export async function register(template: {
  name: string;
  namespace_name: string;
  version: string;
  steps: unknown[];
}): Promise<void> {
  const sql = postgres((await stack()).databaseUrl, { max: 1, onnotice: () => {} });
  const rows = await sql`
    INSERT INTO tasker.task_namespaces (name, created_at, updated_at) VALUES (${template.namespace_name}, now(), now())
    ON CONFLICT (name) DO UPDATE SET updated_at = now() RETURNING task_namespace_uuid`;
  await sql`
    INSERT INTO tasker.named_tasks (name, version, task_namespace_uuid, configuration, created_at, updated_at)
    VALUES (${template.name}, ${template.version}, ${rows[0]?.task_namespace_uuid}, ${sql.json(template as never)}, now(), now())`;
  await sql`SELECT pgmq.create(${`worker_${template.namespace_name}_queue`})`;
  await sql.end();
}
