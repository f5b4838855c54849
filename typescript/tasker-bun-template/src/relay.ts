/** `bun src/relay.ts` creates the tasks whose rows are in the outbox. Any number of relays may run. */

import { TaskerServer } from 'tasker-contrib-bun';
import { createClient } from 'tasker-contrib-bun/client';
import { Outbox, OutboxRelay } from 'tasker-contrib-bun/outbox';
import { openDatabase } from './database.ts';
import { logger } from './logs.ts';
import { configureLogs, loadSettings, started, stopOnSignal } from './process.ts';
import { OUTBOX } from './tasks.ts';

const settings = loadSettings();
configureLogs(settings.LOG_LEVEL);
const sql = openDatabase(settings);
const relay = new OutboxRelay(sql, createClient({ maxRetries: 0 }), {
  table: OUTBOX,
  // The one line that has both ids.
  onCreated: ({ task_uuid, correlation_id, context }) =>
    logger.info({ task_uuid, request_id: correlation_id }, `task of document ${context.document_id}`),
});
// For live, ready and metrics.
const server = new TaskerServer({ mode: 'client', signals: false, outbox: new Outbox(sql, { table: OUTBOX }) });
stopOnSignal(
  () => relay.stop(),
  () => server.stop(),
  () => sql.end({ timeout: 5 }),
);
await started(server);
relay.start();
