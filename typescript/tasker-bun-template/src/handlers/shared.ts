/** What both workflows are about, and the step that both end with. */

import { defineStep, PermanentError } from 'tasker-contrib-bun';
import { z } from 'zod';
import type { Status } from '../documents/store.ts';
import { stepLogger } from '../logs.ts';
import { services } from '../services.ts';

/** The context of a task. */
export const Job = z.object({ document_id: z.uuid() });

/** Change a document's status; what the step answers. */
export async function moved(id: string, to: Status, onlyFrom: Status): Promise<{ status: Status }> {
  const status = await services().documents.move(id, to, onlyFrom);
  if (status === undefined) throw new PermanentError(`document ${id} does not exist`);
  return { status };
}

/** Tell the owner where the document stands. Put the e-mail of yours here. */
export const notify = defineStep('intake.notify', { input: Job }, async ({ input, step }) => {
  const { documents } = services();
  const document = await documents.get(input.document_id);
  if (!document) throw new PermanentError(`document ${input.document_id} does not exist`);
  const sent = await documents.addNotice(document.id, document.status);
  if (sent) stepLogger(step).info(`the owner of ${document.id} is told: ${document.status}`);
  return { status: document.status, sent };
});
