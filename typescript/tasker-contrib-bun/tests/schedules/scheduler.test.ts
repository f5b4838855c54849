import { afterAll, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../src/client.ts';
import { createNow, loadSchedules, Scheduler } from '../../src/schedules.ts';

setDefaultTimeout(60_000);

const scratch = mkdtempSync(join(tmpdir(), 'schedules-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const path = join(scratch, 'schedules.yaml');
const START = Date.parse('2026-12-01T12:00:00Z');
const HOUR = 3_600_000;

/** A server that takes a context once, as Core does, and lists by initiator. */
type Created = { name: string; initiator: string; context: Record<string, unknown>; task_uuid: string };
let tasks: Created[];
let isAway: boolean;
let refused: string;
let now: number;
let log: string[];

beforeEach(() => {
  [tasks, isAway, refused, now, log] = [[], false, '', START, []];
});

const client = createClient({
  url: 'http://127.0.0.1:1',
  maxRetries: 0,
  fetch: async (request) => {
    if (isAway) throw new TypeError('refused');
    if (request.method === 'GET') {
      const asked = new URL(request.url).searchParams.get('initiator');
      return Response.json({ tasks: tasks.filter((task) => task.initiator === asked), pagination: {} });
    }
    const body = (await request.json()) as Created;
    if (body.name === refused) return Response.json({ error: { code: 'INVALID', message: 'no' } }, { status: 422 });
    if (tasks.some((task) => Bun.deepEquals(task.context, body.context))) {
      return Response.json({ error: { code: 'CONFLICT', message: 'there' } }, { status: 409 });
    }
    tasks.push({ ...body, task_uuid: crypto.randomUUID() });
    return Response.json(tasks.at(-1));
  },
});

function write(keys: string): void {
  writeFileSync(path, `s: {task: ns/t, ${keys}}\n`);
}

function scheduler(keys?: string): Scheduler {
  if (keys !== undefined) write(keys);
  return new Scheduler(client, path, { now: () => new Date(now), log: (level, line) => log.push(`${level} ${line}`) });
}

const slots = () => tasks.map(({ context }) => String(context.scheduled_for).slice(5, 16));

function problems(text: string): string {
  writeFileSync(path, text);
  try {
    loadSchedules(path);
  } catch (error) {
    return (error as Error).message.replaceAll(`${scratch}/`, '');
  }
  return '';
}

test('a task has its slot and its schedule', async () => {
  const made = scheduler('cron: "0 6 * * *", context: {region: eu}, missed: skip');
  expect(await made.runOnce()).toEqual(new Date(START + 18 * HOUR));
  expect(tasks).toEqual([]);
  now += 18 * HOUR;
  expect(await made.runOnce()).toEqual(new Date(START + 42 * HOUR));
  expect(tasks).toMatchObject([
    { name: 't', initiator: 'schedule:s', context: { region: 'eu', scheduled_for: '2026-12-02T06:00:00Z' } },
  ]);
});

test.each([
  ['skip', []],
  ['one', ['12-01T10:00']],
  ['all', ['11-30T14:00', '11-30T18:00', '11-30T22:00', '12-01T02:00', '12-01T06:00', '12-01T10:00']],
])('missed slots at the start: %s', async (missed, expected) => {
  await scheduler(`cron: "0 2-22/4 * * *", missed: ${missed}`).runOnce();
  expect(slots()).toEqual(expected);
});

test('two schedulers create one task for a slot', async () => {
  const two = [scheduler('every: 1h'), scheduler()];
  for (let round = 0; round < 3; round++, now += HOUR) for (const one of two) await one.runOnce();
  expect(slots()).toEqual(['12-01T12:00', '12-01T13:00', '12-01T14:00']);
});

test('a changed context does not repeat what is done', async () => {
  await scheduler('every: 1h, context: {region: eu}').runOnce();
  now += 60_000;
  await scheduler('every: 1h, context: {region: us}').runOnce();
  expect(slots()).toEqual(['12-01T12:00']);
});

test('a server that is away, or refuses, is asked again until the slot is too old', async () => {
  const made = scheduler('every: 1h, missed: all, missed_within: 90m');
  isAway = true;
  const again = await made.runOnce();
  expect(again?.getTime()).toBeWithin(now + 1000, now + 5000);
  expect(log.join('\n')).toContain('error schedule s: no task for 2026-12-01T11:00:00Z: ');
  expect(log.join('\n')).toContain('tried again until 2026-12-01T12:30:00Z');
  isAway = false;
  refused = 't';
  now += 2 * HOUR;
  await made.runOnce();
  refused = '';
  now += 61_000;
  await made.runOnce();
  expect(slots()).toEqual(['12-01T13:00', '12-01T14:00']);
});

test('one that fails does not keep the others', async () => {
  writeFileSync(path, 'bad: {task: ns/bad, every: 1h}\ngood: {task: ns/good, every: 1h}\n');
  refused = 'bad';
  await scheduler().runOnce();
  expect(tasks.map(({ name }) => name)).toEqual(['good']);
});

test('a pause creates nothing and makes nothing up; other times begin with the next slot', async () => {
  const made = scheduler('every: 1h, paused: true, missed: all');
  expect(await made.runOnce()).toBeUndefined();
  now += 3 * HOUR + 60_000;
  write('every: 1h, missed: all');
  made.refresh();
  expect(await made.runOnce()).toEqual(new Date(START + 4 * HOUR));
  write('cron: "0 11 * * *"');
  made.refresh();
  expect(await made.runOnce()).toEqual(new Date(START + 23 * HOUR));
  expect(slots()).toEqual([]);
});

test('a file with a mistake, or without the file, changes nothing', () => {
  const made = scheduler('every: 1h');
  write('every: x');
  made.refresh();
  expect(made.schedules.map(({ everyMs }) => everyMs)).toEqual([HOUR]);
  expect(log.at(-1)).toStartWith('error the schedules stay as they were: ');
  unlinkSync(path);
  made.refresh();
  expect(log.at(-1)).toContain('cannot be read (ENOENT)');
});

test('it runs until it is told to stop', async () => {
  const stopping = new AbortController();
  write('every: 1h');
  const made = new Scheduler(client, path, {
    log: () => {},
    now: () => {
      if (tasks.length === 3) stopping.abort();
      now += 20 * 60_000;
      return new Date(now);
    },
  });
  await made.run(stopping.signal);
  expect(tasks).toHaveLength(3);
});

test('a task now', async () => {
  write('every: 1h, paused: true');
  const [entry] = loadSchedules(path);
  if (!entry) throw new Error('no schedule');
  const before = new Date().toISOString().slice(0, 19);
  await createNow(client, entry);
  expect(String(tasks[0]?.context.scheduled_for) >= before).toBe(true);
});

test('everything that a schedule may have', () => {
  writeFileSync(
    path,
    'r: {task: ns/t, version: 2.0.0, cron: "0 6 * * *", time_zone: Europe/Paris, context: {a: 1}, missed: all, missed_within: 6h, paused: true}',
  );
  expect(loadSchedules(path)).toEqual([
    {
      name: 'r',
      namespace: 'ns',
      task: 't',
      version: '2.0.0',
      cron: '0 6 * * *',
      everyMs: undefined,
      timeZone: 'Europe/Paris',
      context: { a: 1 },
      missed: 'all',
      windowMs: 6 * HOUR,
      paused: true,
    },
  ]);
});

test.each([
  ['cron: "0 6 * *"', ".cron: '0 6 * *' must have five fields: minute, hour, "],
  ['cron: "99 6 * * *"', ".cron: '99 6 * * *' is not a cron line: "],
  ['cron: "0 0 30 2 *"', ".cron: '0 0 30 2 *' is never due"],
  ['every: 15', '.every: must be a text, not 15'],
  ['every: fortnight', ".every: 'fortnight' is not a time span; write for example 90s"],
  ['every: 0s', ".every: '0s' is not a time span"],
  ['corn: x', '.corn: unknown key (did you mean cron?)'],
  ['cron: "0 6 * * *", every: 1h', ': give either cron or every'],
  ['missed: one', ': give either cron or every'],
  ['every: 1h, time_zone: Europe/Paris', '.time_zone: belongs to cron; every counts real time'],
  ['cron: "0 6 * * *", time_zone: Europe/Pairs', ".time_zone: 'Europe/Pairs' is not a time zone"],
  ['every: 1h, missed: two', '.missed: must be skip, one or all, not "two"'],
  ['every: 1h, version: 1.0', '.version: must be a text, not 1'],
  ['every: 1h, context: [1]', '.context: must be an object'],
  ['every: 1h, paused: maybe', '.paused: must be true or false, not "maybe"'],
  ['every: 1h, context: {scheduled_for: x}', ".context: scheduled_for is the slot's time"],
])('a mistake is one message: %s', (keys, problem) => {
  expect(problems(`s: {task: ns/t, ${keys}}`)).toContain(`schedules.yaml: s${problem}`);
});

test('all problems come at once, and files that are none', () => {
  expect(problems('a: {task: t, every: 1h}\nc: 7\n')).toBe(
    "- schedules.yaml: a.task: 't' must be namespace/name\n- schedules.yaml: c: must have keys, such as task and cron",
  );
  expect(problems('a: [')).toContain('schedules.yaml: is not YAML');
  expect(problems('7')).toContain("must have a schedule's name at the top");
});
