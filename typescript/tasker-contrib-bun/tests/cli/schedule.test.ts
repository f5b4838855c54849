import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../src/client.ts';
import { register, stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

setDefaultTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), 'schedule-'));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'config'));
let url: string;

beforeAll(async () => {
  url = (await stack()).orchestrationUrl;
  const steps = [
    { name: 'report', handler: { callable: 'bun_schedule.report', initialization: {} }, dependencies: [] },
  ];
  await register({ name: 'daily', namespace_name: 'bun_schedule', version: '1.0.0', steps });
});

function write(keys: string): void {
  writeFileSync(join(folder, 'config/schedules.yaml'), `often: {task: bun_schedule/daily, ${keys}}\n`);
}

function command(...args: string[]) {
  return Bun.spawn([process.execPath, join(import.meta.dir, '../../src/cli/main.ts'), 'schedule', ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, TASKER_ORCHESTRATION_URL: url },
    stdout: 'pipe',
    stderr: 'pipe',
  });
}

async function ended(...args: string[]): Promise<{ code: number; said: string }> {
  const child = command(...args);
  const said = (await new Response(child.stdout).text()) + (await new Response(child.stderr).text());
  return { code: await child.exited, said };
}

async function slots(): Promise<string[]> {
  const options = { namespace: 'bun_schedule', initiator: 'schedule:often', perPage: 100 };
  const { tasks } = await createClient({ url }).listTasks(options);
  return tasks.map(({ context }) => String(context.scheduled_for));
}

test('two schedulers create one task for a slot, also when one is killed', async () => {
  write('every: 2s, missed: all, missed_within: 8s');
  const [first, second] = [command('run'), command('run')];
  try {
    await until('six slots', async () => (await slots()).length >= 6, 60_000);
    first.kill('SIGKILL');
    await first.exited;
    const before = (await slots()).length;
    await until('two more', async () => (await slots()).length >= before + 2, 60_000);
    second.kill('SIGTERM');
    expect(await second.exited).toBe(0);
  } finally {
    first.kill('SIGKILL');
    second.kill('SIGKILL');
  }
  const said = await new Response(second.stdout).text();
  expect(said).toStartWith('config/schedules.yaml: often\n');
  expect(said).toContain('schedule often: task ');
  const found = await slots();
  expect(new Set(found).size).toBe(found.length);
});

test('list, now, and mistakes', async () => {
  write('cron: "0 6 * * *", time_zone: Europe/Paris');
  const listed = await ended('list');
  expect(listed.said).toMatch(
    /^often {2}bun_schedule\/daily 1\.0\.0 {2}next \d{4}-\d\d-\d\d 06:00:00 Europe\/Paris\n$/,
  );
  write('every: 1d, paused: true, context: {by: hand}');
  expect((await ended('list')).said).toBe('often  bun_schedule/daily 1.0.0  paused\n');
  expect((await ended('now', 'often')).said).toMatch(/^created [0-9a-f-]{36}\n$/);
  expect(await ended('now', 'oftn')).toEqual({
    code: 1,
    said: "error: config/schedules.yaml has no schedule 'oftn' (did you mean often?)\n  fix: it has often\n",
  });
  expect((await ended('now')).code).toBe(2);
  expect((await ended('stop')).said).toContain("unknown command 'schedule stop'");
  write('evry: 1d');
  const wrong = await ended('run');
  expect(wrong.code).toBe(1);
  expect(wrong.said).toContain('config/schedules.yaml: often.evry: unknown key (did you mean every?)');
});
