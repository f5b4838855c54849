/** `bun src/worker.ts` runs the steps. */

import { join } from 'node:path';
import { TaskerServer } from 'tasker-contrib-bun';
import { openDatabase } from './database.ts';
import { stubScanner } from './documents/scanner.ts';
import { SqlDocuments } from './documents/store.ts';
import { logger } from './logs.ts';
import { configureLogs, loadSettings, started, stopOnSignal } from './process.ts';
import { provide } from './services.ts';

const settings = loadSettings();
configureLogs(settings.LOG_LEVEL);
const sql = openDatabase(settings);
provide({ documents: new SqlDocuments(sql), scanner: stubScanner });

const server = new TaskerServer({ mode: 'worker', signals: false, handlers: join(import.meta.dir, 'handlers') });
server.events.on('step:completed', ({ taskUuid, stepUuid, step, durationMs }) => {
  logger.info({ task_uuid: taskUuid, step_uuid: stepUuid, step, duration_ms: durationMs }, 'step completed');
});
server.events.on('step:failed', ({ taskUuid, stepUuid, step, message }) => {
  logger.warn({ task_uuid: taskUuid, step_uuid: stepUuid, step }, `step failed: ${message}`);
});
// Steps have the database to their end.
stopOnSignal(
  () => server.stop(),
  () => sql.end({ timeout: 5 }),
);
await started(server);
