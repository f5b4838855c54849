/** Creates the tasks: each is a row of the transaction that stores what it is about, and the relay makes a task of it. */

import { enqueue, type Queryable } from 'tasker-contrib-bun/outbox';

const NAMESPACE = 'intake';
const VERSION = '1.0.0';
export const OUTBOX = 'app.tasker_outbox';

export interface NewTask {
  template: 'intake_document' | 'finish_review';
  documentId: string;
  /** The id of the request that wants it. */
  requestId: string;
}

/** Write the row. Neither it nor the task is there if the transaction is rolled back. */
export async function taskRow(transaction: Queryable, { template, documentId, requestId }: NewTask): Promise<void> {
  await enqueue(
    transaction,
    template,
    { document_id: documentId },
    { table: OUTBOX, namespace: NAMESPACE, version: VERSION, correlationId: requestId },
  );
}
