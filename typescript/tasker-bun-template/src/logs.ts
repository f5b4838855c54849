/** Logs as JSON, one object a line, with the ids of the request, the task and the step. */

import { AsyncLocalStorage } from 'node:async_hooks';
import pino from 'pino';
import type { StepInfo } from 'tasker-contrib-bun';

const requests = new AsyncLocalStorage<{ request_id: string }>();

export const logger = pino({
  base: null,
  messageKey: 'message',
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (level) => ({ level }) },
  mixin: () => requests.getStore() ?? {},
});

/** Run with the request's id in every line. */
export function withRequestId<T>(id: string, run: () => T): T {
  return requests.run({ request_id: id }, run);
}

/** The logger of a step. */
export function stepLogger({ taskUuid, stepUuid, name }: StepInfo): pino.Logger {
  return logger.child({ task_uuid: taskUuid, step_uuid: stepUuid, step: name });
}
