/** The last answers of a worker that stops. */

import { type ClientOptions, TaskerClient } from './client.ts';
import type { Dispatcher } from './dispatcher.ts';

const FLUSH_MS = 5000;
const UNPROCESSED = ['in_progress', 'enqueued_for_orchestration', 'enqueued_as_error_for_orchestration'];

/** Core drops answers that it has not sent when it is stopped, so the server is asked for them. */
export async function handBack(dispatcher: Dispatcher, orchestration: ClientOptions): Promise<number> {
  let total = dispatcher.returnUnstarted();
  const end = performance.now() + FLUSH_MS;
  const client = new TaskerClient({ ...orchestration, timeoutMs: 1000, maxRetries: 0 });
  let waiting = dispatcher.recent();
  try {
    while (waiting.length && performance.now() < end) {
      const states = await Promise.all(waiting.map((ids) => client.getStep(ids.taskUuid, ids.stepUuid)));
      waiting = waiting.filter((_, index) => UNPROCESSED.includes(states[index]?.current_state ?? ''));
      total += dispatcher.returnUnstarted();
      if (waiting.length) await Bun.sleep(20);
    }
  } catch {
    // The server cannot be asked. An answer usually takes a few milliseconds.
    await Bun.sleep(500);
  }
  return total + dispatcher.returnUnstarted();
}
