/**
 * Recurring tasks from one file, without a leader and without state. The time of a slot is part of the context, and Core creates
 * a task with the same context only once: any number of schedulers may run, and a missed slot can be made up for at any time.
 *
 * Needs the package `croner`.
 *
 * @example
 * ```ts
 * import { createClient } from 'tasker-contrib-bun/client';
 * import { Scheduler } from 'tasker-contrib-bun/schedules';
 *
 * const stopping = new AbortController();
 * await new Scheduler(createClient(), 'config/schedules.yaml').run(stopping.signal);
 * ```
 *
 * @module
 */

export { loadSchedules } from './schedules/file.ts';
export { type Schedule, slotsAfter } from './schedules/schedule.ts';
export { createNow, Scheduler, type SchedulerOptions } from './schedules/scheduler.ts';
