import { type TaskerClient, TaskerClientError } from '../../src/client.ts';

/** Create today's report. Call it as often as you like: a day has one report. */
export async function createTodaysReport(client: TaskerClient): Promise<void> {
  const day = new Date().toISOString().slice(0, 10);
  try {
    await client.createTask('daily_report', { day }, { namespace: 'reports' });
  } catch (error) {
    if (error instanceof TaskerClientError && error.code === 'conflict') return; // it exists already
    throw error;
  }
}
