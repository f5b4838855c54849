/** Creates the tasks of schedules when they are due. */

import { statSync } from 'node:fs';
import { type Task, type TaskerClient, TaskerClientError } from '../client.ts';
import { TaskerConfigError } from '../errors.ts';
import { pause } from '../pause.ts';
import { loadSchedules } from './file.ts';
import { type Schedule, slotsAfter, slotText } from './schedule.ts';

const LONGEST_PAUSE = 60_000;
const LOOK_AT_FILE = 5000;

/** Options of {@link Scheduler}. */
export interface SchedulerOptions {
  /** Called with a line for each task, and for each failure. Default: the console. */
  log?: (level: 'info' | 'error', line: string) => void;
  /** The time. Default: the clock. */
  now?: () => Date;
}

/** How far a schedule has come. It is not kept: a new process asks the server. */
interface Progress {
  schedule: Schedule;
  after: Date;
  /** Slots before the start that have a task. Its context may be another than today's. */
  done?: ReadonlySet<unknown>;
  notBefore?: Date | undefined;
  failures: number;
}

/**
 * Create the task of a schedule for this second, also when it is paused.
 *
 * @throws `TaskerClientError` - the server refused it, or is away.
 */
export function createNow(client: TaskerClient, schedule: Schedule): Promise<Task> {
  return create(client, schedule, new Date());
}

function create(client: TaskerClient, schedule: Schedule, slot: Date): Promise<Task> {
  const { namespace, version } = schedule;
  const context = { ...schedule.context, scheduled_for: slotText(slot) };
  const reason = `schedule ${schedule.name}`;
  return client.createTask(schedule.task, context, { namespace, version, initiator: initiator(schedule), reason });
}

function initiator({ name }: Schedule): string {
  return `schedule:${name}`;
}

/** Creates tasks until it is told to stop; the module has an example. Any number of them may run. */
export class Scheduler {
  readonly #client: TaskerClient;
  readonly #path: string;
  readonly #now: () => Date;
  readonly #log: NonNullable<SchedulerOptions['log']>;
  #stamp: string;
  #progress = new Map<string, Progress>();

  /**
   * @param path - a file of schedules, which is read again when it changes.
   * @throws `TaskerConfigError` with every problem of the file.
   */
  constructor(client: TaskerClient, path: string, options: SchedulerOptions = {}) {
    this.#client = client;
    this.#path = path;
    this.#now = options.now ?? (() => new Date());
    this.#log = options.log ?? ((level, line) => console[level](line));
    this.#stamp = stamp(path);
    this.#take(loadSchedules(path));
  }

  /** What the file says now. */
  get schedules(): Schedule[] {
    return [...this.#progress.values()].map(({ schedule }) => schedule);
  }

  /** Create tasks until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const following = await this.runOnce();
      this.refresh();
      const ms = following ? following.getTime() - this.#now().getTime() : LOOK_AT_FILE;
      await pause(Math.min(Math.max(ms, 10), LOOK_AT_FILE), signal);
    }
  }

  /** Create what is due; when something is due next. */
  async runOnce(): Promise<Date | undefined> {
    const following: number[] = [];
    for (const progress of this.#progress.values()) {
      const next = progress.schedule.paused ? undefined : await this.#advance(progress);
      if (next) following.push(next.getTime());
    }
    return following.length ? new Date(Math.min(...following)) : undefined;
  }

  /** Read the file again if it has changed. With mistakes in it, the schedules stay as they were. */
  refresh(): void {
    const found = stamp(this.#path);
    if (found === this.#stamp) return;
    this.#stamp = found;
    try {
      this.#take(loadSchedules(this.#path));
      this.#log('info', `read ${this.#path} again: ${this.#progress.size} schedules`);
    } catch (error) {
      if (!(error instanceof TaskerConfigError)) throw error;
      this.#log('error', `the schedules stay as they were: ${error.message}`);
    }
  }

  async #advance(progress: Progress): Promise<Date | undefined> {
    const now = this.#now();
    if (progress.notBefore && now < progress.notBefore) return progress.notBefore;
    const { schedule } = progress;
    progress.after = later(progress.after, new Date(now.getTime() - schedule.windowMs));
    for (const slot of due(schedule, progress.after, now)) {
      if (!(await this.#did(progress, slot))) return progress.notBefore;
      progress.after = slot;
    }
    return slotsAfter(schedule, later(progress.after, now)).next().value ?? undefined;
  }

  /** Whether the slot has a task now. */
  async #did(progress: Progress, slot: Date): Promise<boolean> {
    const { schedule } = progress;
    try {
      progress.done ??= await this.#haveATask(schedule);
      if (!progress.done.has(slotText(slot))) {
        const task = await create(this.#client, schedule, slot);
        this.#log('info', `schedule ${schedule.name}: task ${task.task_uuid} for ${slotText(slot)}`);
      }
    } catch (error) {
      if (!(error instanceof TaskerClientError)) throw error;
      // Another scheduler was faster.
      if (error.code !== 'conflict') {
        this.#putOff(progress, slot, error);
        return false;
      }
    }
    progress.notBefore = undefined;
    progress.failures = 0;
    return true;
  }

  async #haveATask(schedule: Schedule): Promise<ReadonlySet<unknown>> {
    const { tasks } = await this.#client.listTasks({
      namespace: schedule.namespace,
      initiator: initiator(schedule),
      perPage: 100,
    });
    return new Set(tasks.map(({ context }) => context.scheduled_for));
  }

  #putOff(progress: Progress, slot: Date, error: Error): void {
    progress.failures++;
    const pause = Math.min(1000 * 2 ** progress.failures, LONGEST_PAUSE) * (0.8 + 0.4 * Math.random());
    progress.notBefore = new Date(this.#now().getTime() + pause);
    const end = slotText(new Date(slot.getTime() + progress.schedule.windowMs));
    const { name } = progress.schedule;
    this.#log('error', `schedule ${name}: no task for ${slotText(slot)}: ${error.message}; tried again until ${end}`);
  }

  #take(schedules: readonly Schedule[]): void {
    const old = this.#progress;
    const now = this.#now();
    this.#progress = new Map();
    for (const schedule of schedules) {
      const before = old.get(schedule.name);
      const progress = before ?? { schedule, after: new Date(now.getTime() - schedule.windowMs), failures: 0 };
      // After a pause, or with other times, it goes on with the next slot: nobody wanted those in between.
      if (before && (before.schedule.paused || times(before.schedule) !== times(schedule))) progress.after = now;
      progress.schedule = schedule;
      this.#progress.set(schedule.name, progress);
    }
  }
}

/** The slots up to now that get a task, oldest first. */
function* due(schedule: Schedule, after: Date, now: Date): Generator<Date> {
  let last: Date | undefined;
  for (const slot of slotsAfter(schedule, after)) {
    if (slot > now) break;
    if (schedule.missed === 'one') last = slot;
    else yield slot;
  }
  if (last) yield last;
}

function later(a: Date, b: Date): Date {
  return a > b ? a : b;
}

function times({ cron, everyMs, timeZone }: Schedule): string {
  return [cron, everyMs, timeZone].join('\n');
}

function stamp(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found ? `${found.mtimeNs} ${found.ino}` : '';
}
