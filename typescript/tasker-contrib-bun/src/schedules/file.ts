/** The file of schedules: read whole, or refused with all of its problems. */

import { readFileSync } from 'node:fs';
import { YAML } from 'bun';
import { TaskerConfigError } from '../errors.ts';
import { didYouMean } from '../suggest.ts';
import { cronProblem, isZone, type Schedule, spanOf } from './schedule.ts';

const KEYS = ['task', 'version', 'cron', 'every', 'time_zone', 'context', 'missed', 'missed_within', 'paused'];
const MISSED = ['skip', 'one', 'all'] as const;
const A_MINUTE = 60_000;

type Entry = Record<string, unknown>;

/**
 * The schedules of a YAML file.
 *
 * @throws `TaskerConfigError` with every problem of the file.
 */
export function loadSchedules(path: string): Schedule[] {
  const problems: string[] = [];
  const schedules: Schedule[] = [];
  for (const [name, entry] of Object.entries(entries(path))) {
    const before = problems.length;
    const problem = (place: string, text: string) => problems.push(`${path}: ${name}${place}: ${text}`);
    if (!isObject(entry)) {
      problem('', 'must have keys, such as task and cron');
      continue;
    }
    const schedule = read(name, entry, problem);
    if (problems.length === before) schedules.push(schedule);
  }
  if (problems.length) throw new TaskerConfigError(problems);
  return schedules;
}

function entries(path: string): Entry {
  let content: unknown;
  try {
    content = YAML.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new TaskerConfigError([
      code ? `${path}: cannot be read (${code}); make it, or name another` : `${path}: is not YAML: ${message}`,
    ]);
  }
  if (!isObject(content)) {
    throw new TaskerConfigError([`${path}: must have a schedule's name at the top, with keys below`]);
  }
  return content;
}

function read(name: string, entry: Entry, problem: (place: string, text: string) => void): Schedule {
  const text = (key: string, standard: string): string => {
    const value = entry[key] ?? standard;
    if (typeof value === 'string') return value;
    problem(`.${key}`, `must be a text, not ${JSON.stringify(value)}`);
    return standard;
  };
  const check = (key: string, wrong: string | undefined | false) => wrong && problem(`.${key}`, wrong);

  for (const key of Object.keys(entry)) check(key, !KEYS.includes(key) && `unknown key${didYouMean(key, KEYS)}`);
  const [namespace = '', task = '', ...more] = text('task', '').split('/');
  check('task', (!namespace || !task || more.length > 0) && `'${String(entry.task ?? '')}' must be namespace/name`);
  const cron = entry.cron === undefined ? undefined : text('cron', '* * * * *');
  check('cron', cron !== undefined && cronProblem(cron));
  const every = entry.every === undefined ? undefined : text('every', '1d');
  if ((cron === undefined) === (every === undefined)) problem('', 'give either cron or every');
  const timeZone = text('time_zone', 'UTC');
  check('time_zone', !isZone(timeZone) && `'${timeZone}' is not a time zone; write for example Europe/Paris`);
  if (every !== undefined && entry.time_zone !== undefined) {
    problem('.time_zone', 'belongs to cron; every counts real time');
  }
  const within = text('missed_within', '1d');
  for (const [key, span] of Object.entries({ every, missed_within: within })) {
    check(
      key,
      span !== undefined &&
        spanOf(span) === undefined &&
        `'${span}' is not a time span; write for example 90s, 15m, 6h or 2d`,
    );
  }
  const missed = MISSED.find((word) => word === (entry.missed ?? 'one'));
  check('missed', !missed && `must be skip, one or all, not ${JSON.stringify(entry.missed)}`);
  const context = entry.context ?? {};
  check('context', !isObject(context) && 'must be an object');
  check(
    'context',
    isObject(context) && 'scheduled_for' in context && "scheduled_for is the slot's time, which the scheduler adds",
  );
  const paused = entry.paused ?? false;
  check('paused', typeof paused !== 'boolean' && `must be true or false, not ${JSON.stringify(paused)}`);
  return {
    name,
    namespace,
    task,
    version: text('version', '1.0.0'),
    cron,
    everyMs: every === undefined ? undefined : spanOf(every),
    timeZone,
    context: context as Record<string, unknown>,
    missed: missed ?? 'one',
    windowMs: missed === 'skip' ? A_MINUTE : (spanOf(within) ?? 0),
    paused: Boolean(paused),
  };
}

function isObject(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
