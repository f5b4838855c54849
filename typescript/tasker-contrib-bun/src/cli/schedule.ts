/** `schedule run`, `list` and `now`. */

import { createClient, TaskerClientError } from '../client.ts';
import { resolveSettings } from '../settings.ts';
import { didYouMean } from '../suggest.ts';
import { CliProblem, usage } from './problem.ts';

/** Where schedules are, relative to the working directory. */
const FILE = 'config/schedules.yaml';

/**
 * Create tasks when they are due until SIGTERM or Ctrl-C, show when, or create one now.
 *
 * @param name - of the schedule, for `now`.
 */
export async function schedule(what: string, name: string | undefined, path: string = FILE): Promise<void> {
  const { loadSchedules, Scheduler, createNow, slotsAfter } = await schedules();
  const { orchestration } = resolveSettings({});
  const client = createClient(orchestration);
  switch (what) {
    case 'run': {
      const scheduler = new Scheduler(client, path);
      const stopping = new AbortController();
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort());
      console.log(`${path}: ${scheduler.schedules.map((entry) => entry.name).join(', ') || 'no schedules'}`);
      return scheduler.run(stopping.signal);
    }
    case 'list':
      for (const entry of loadSchedules(path)) {
        const next = slotsAfter(entry, new Date()).next().value;
        const due = entry.paused
          ? 'paused'
          : `next ${next?.toLocaleString('sv-SE', { timeZone: entry.timeZone })} ${entry.timeZone}`;
        console.log(`${entry.name}  ${entry.namespace}/${entry.task} ${entry.version}  ${due}`);
      }
      return;
    case 'now': {
      const entries = loadSchedules(path);
      const names = entries.map((entry) => entry.name);
      const found = entries.find((entry) => entry.name === name);
      if (!found)
        throw new CliProblem(
          `${path} has no schedule '${name}'${didYouMean(name ?? '', names)}`,
          `it has ${names.join(', ') || 'none'}`,
        );
      try {
        console.log(`created ${(await createNow(client, found)).task_uuid}`);
      } catch (error) {
        if (error instanceof TaskerClientError) throw new CliProblem(`schedule ${name}: ${error.message}`);
        throw error;
      }
      return;
    }
    default:
      throw usage(`unknown command 'schedule ${what}'`, 'use run, list or now');
  }
}

async function schedules(): Promise<typeof import('../schedules.ts')> {
  try {
    return await import('../schedules.ts');
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new CliProblem("schedules need the package 'croner'", 'bun add croner');
  }
}
