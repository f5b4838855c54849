/** Core's real package on a real server: `cargo xtask --core PATH test --lang typescript`. Without a checkout it is left out. */

import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type Step, type Task, type TaskerClient } from '../../src/client.ts';
import { stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

const root = join(import.meta.dir, '../..');
const package_ = join(root, 'node_modules/@tasker-systems/tasker');
const isLinked = existsSync(package_) && readdirSync(package_).some((file) => file.endsWith('.node'));
const scratch = mkdtempSync(join(tmpdir(), 'tasker-test-'));
const namespace = 'bun_real';
const children: Bun.Subprocess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    await child.exited;
  }
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Not skipped but absent: nobody can run them without a checkout of Core. */
const absent = (name: string) =>
  console.info(`${name} is not linked; its tests run with \`cargo xtask --core PATH test\``);

(isLinked ? describe : absent)("Core's real package", () => {
  let client: TaskerClient;
  let environment: Record<string, string>;
  beforeAll(async () => {
    const { orchestrationUrl, databaseUrl } = await stack();
    environment = { DATABASE_URL: databaseUrl, TASKER_ORCHESTRATION_URL: orchestrationUrl };
    client = createClient({ url: orchestrationUrl });
  });

  function start(more: Record<string, string> = {}, ...flags: string[]) {
    const log = join(scratch, `${crypto.randomUUID()}.log`);
    const child = Bun.spawn([process.execPath, ...flags, more.APP ?? 'tests/core/app/main.ts'], {
      cwd: root,
      env: { PATH: process.env.PATH, ...environment, ...more },
      stdin: 'ignore',
      stdout: Bun.file(log),
      stderr: Bun.file(`${log}.err`),
    });
    children.push(child);
    const said = () => (existsSync(log) ? readFileSync(log, 'utf8') : '');
    const errors = () => (existsSync(`${log}.err`) ? readFileSync(`${log}.err`, 'utf8') : '');
    const ready = () =>
      until(
        'ready',
        () => {
          if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said()}${errors()}`);
          return said().match(/READY (\S+)/)?.[1];
        },
        30_000,
      );
    return { child, said, errors, ready };
  }

  const create = (name: string, context: object = {}) =>
    client.createTask(name, { ...context, nonce: crypto.randomUUID() }, { namespace });
  const stepsOf = async (task: Task): Promise<Record<string, Step>> =>
    Object.fromEntries((await client.steps(task)).map((step) => [step.name, step]));
  const result = (step: Step | undefined) => step?.results?.result as Record<string, number> | undefined;

  test('runs a workflow: results, a retry that waits, a failure for good, a domain event, readiness', async () => {
    const app = start();
    const url = await app.ready();
    const task = await client.wait(await create('flow', { n: 20 }));
    const steps = await stepsOf(task);
    expect([task.status, app.errors()]).toEqual(['complete', expect.any(String)]);
    expect([result(steps.first)?.n, result(steps.flaky)?.n, result(steps.last)?.n]).toEqual([40, 41, 41]);
    expect(result(steps.flaky)?.attempt).toBe(2);
    // The template asks for two seconds; Core looks for due steps in a rhythm of its own.
    expect(result(steps.flaky)?.waited).toBeGreaterThanOrEqual(1950);
    await until('the domain event', () => /EVENT .*"domain:event".*"flow.finished"/.test(app.said()));
    expect((await fetch(`${url}/tasker/ready`)).status).toBe(200);

    const bad = await client.wait(await create('bad'));
    const { refuse } = await stepsOf(bad);
    expect([bad.status, refuse?.attempts]).toEqual([expect.stringMatching(/blocked_by_failures|error/), 1]);
    expect(JSON.stringify(refuse?.results)).toContain('never');
    app.child.kill('SIGTERM');
    expect(await app.child.exited).toBe(0);
  }, 120_000);

  test("more steps than Core's loop would hold are queued, and all run once", async () => {
    const app = start({ TASKER_WORKER__CONCURRENCY: '3' });
    await app.ready();
    const tasks = await Promise.all(Array.from({ length: 24 }, () => create('slow', { ms: 100 })));
    const ended = await Promise.all(tasks.map((task) => client.wait(task)));
    expect(ended.map(({ status }) => status)).toEqual(tasks.map(() => 'complete'));
    expect(app.said().match(/WAITING \S+ 1/g)?.length).toBe(24);
    expect(app.said()).not.toMatch(/WAITING \S+ 2/);
  }, 120_000);

  test('a worker after one that was killed has its first step at once', async () => {
    const first = start();
    await first.ready();
    expect((await client.wait(await create('slow', { ms: 1 }))).status).toBe('complete');
    first.child.kill('SIGKILL');
    await first.child.exited;
    await start().ready();
    const task = await client.wait(await create('slow', { ms: 1 }), { timeoutMs: 20_000 });
    expect(task.status).toBe('complete');
  }, 90_000);

  test('a step of more than thirty seconds is not answered as timed out', async () => {
    const app = start();
    await app.ready();
    const task = await client.wait(await create('slow', { ms: 45_000 }), { timeoutMs: 90_000 });
    expect(task.status).toBe('complete');
    expect(result((await stepsOf(task)).wait)?.attempt).toBe(1);
    expect(app.said().match(/WAITING/g)?.length).toBe(1);
  }, 150_000);

  test('SIGTERM lets a step end, and cuts one that does not; another worker takes that over', async () => {
    const gate = join(scratch, 'gate');
    const app = start({ TASKER_DRAIN_TIMEOUT: '1' });
    const url = await app.ready();
    const stream = await fetch(`${url}/tasker/events`);
    const [short, long] = await Promise.all([create('slow', { ms: 600 }), create('slow', { file: gate })]);
    await until(
      'both run',
      () => [short, long].every((task) => app.said().includes(`WAITING ${task.task_uuid} 1`)),
      30_000,
    );
    app.child.kill('SIGTERM');
    expect(await app.child.exited).toBe(0);
    await stream.text();
    const cut = JSON.parse(app.said().match(/EVENT (.*"worker:stopped".*)/)?.[1] ?? '{}');
    expect(cut.cut.map((step: { taskUuid: string }) => step.taskUuid)).toEqual([long.task_uuid]);
    expect((await client.wait(short)).status).toBe('complete');
    writeFileSync(gate, '');
    await start().ready();
    const task = await client.wait(long);
    expect([task.status, result((await stepsOf(task)).wait)?.attempt]).toEqual(['complete', 2]);
  }, 150_000);

  test('ten hot reloads keep the worker, and the last handlers run', async () => {
    const copy = join(root, 'tests/core', `hot-${process.pid}`);
    cpSync(join(root, 'tests/core/app'), copy, { recursive: true });
    const main = join(copy, 'main.ts');
    const source = readFileSync(main, 'utf8');
    try {
      const app = start({ APP: main }, '--hot');
      const url = await app.ready();
      for (let generation = 2; generation <= 11; generation++) {
        writeFileSync(main, `${source}\n// ${generation}\n`);
        await until(`generation ${generation}`, () => app.said().includes(`READY ${url} generation ${generation}`));
      }
      const task = await client.wait(await create('slow', { ms: 1 }));
      expect(task.status).toBe('complete');
      expect(app.said().match(/WAITING/g)?.length).toBe(1);
      app.child.kill('SIGTERM');
      expect(await app.child.exited).toBe(0);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  }, 120_000);

  test('a database that is not there fails the start with one message', async () => {
    const app = start({
      DATABASE_URL: 'postgresql://a:b@127.0.0.1:1/x',
    });
    expect(await app.child.exited).toBe(1);
    expect(app.errors()).toContain('connection refused at 127.0.0.1:1 (from DATABASE_URL)');
    expect(app.errors()).not.toContain('a:b@');
  }, 60_000);
});
