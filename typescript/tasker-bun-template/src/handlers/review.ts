/** The steps of `finish_review`, which starts when a reviewer has answered. */

import { defineStep, PermanentError, route } from 'tasker-contrib-bun';
import { z } from 'zod';
import { services } from '../services.ts';
import { Job, moved } from './shared.ts';

const Answered = z.object({ approved: z.boolean() });

export const readAnswer = defineStep('intake.read_answer', { input: Job }, async ({ input, step }) => {
  const { documents } = services();
  const review = await documents.review(input.document_id);
  if (!review) throw new PermanentError(`document ${input.document_id} has no review`);
  await documents.setTask('reviews', input.document_id, step.taskUuid);
  return { approved: review.approved };
});

export const routeAnswer = defineStep('intake.route_answer', { results: { read_answer: Answered } }, ({ results }) =>
  route([results.read_answer.approved ? 'publish_reviewed' : 'reject']),
);

export const publishReviewed = defineStep('intake.publish_reviewed', { input: Job }, ({ input }) =>
  moved(input.document_id, 'published', 'waiting_for_review'),
);

export const reject = defineStep('intake.reject', { input: Job }, ({ input }) =>
  moved(input.document_id, 'rejected', 'waiting_for_review'),
);
