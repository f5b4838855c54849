/** The steps of `intake_document`: from the upload to publication, or to a person's desk. */

import { batches, defineStep, PermanentError, RetryableError, route } from 'tasker-contrib-bun';
import { z } from 'zod';
import { NotReadable, readPage, splitPages } from '../documents/content.ts';
import { ScannerUnavailable } from '../documents/scanner.ts';
import { services } from '../services.ts';
import { Job, moved } from './shared.ts';

const ReadPages = z.object({ pages: z.int() });
const Extracted = z.object({ pages: z.int(), fewest_words: z.int() });

/** Look for viruses. A busy scanner is asked again, as the template says. */
export const scan = defineStep('intake.scan', { input: Job }, async ({ input, step, signal }) => {
  const { documents, scanner } = services();
  const content = await contentOf(input.document_id);
  await documents.setTask('documents', input.document_id, step.taskUuid);
  const virus = await scanner.findVirus(content, signal).catch((error) => {
    throw error instanceof ScannerUnavailable ? new RetryableError(error.message) : error;
  });
  if (virus !== undefined) {
    await documents.move(input.document_id, 'infected', 'received');
    throw new PermanentError(`the scanner found ${virus}`, { code: 'INFECTED' });
  }
  return { size: content.length };
});

/** Cut the document into batches of pages, which are read side by side. */
export const split = defineStep('intake.split', { input: Job }, async ({ input, config }) => {
  const { length } = await pagesOf(input.document_id);
  const size = z.int().positive().parse(config.pages_per_batch);
  const starts = Array.from({ length: Math.ceil(length / size) }, (_, index) => index * size);
  return batches(
    'extract_pages',
    starts.map((start) => [start, Math.min(start + size, length)] as const),
  );
});

/** Read the pages of one batch. */
export const extractPages = defineStep('intake.extract_pages', { input: Job }, async ({ input, batch }) => {
  if (!batch || batch.noOp) return { pages: 0 };
  const texts = (await pagesOf(input.document_id)).slice(batch.start, batch.end);
  const pages = texts.map((text, index) => readPage(batch.start + index + 1, text));
  await services().documents.putPages(input.document_id, pages);
  return { pages: pages.length };
});

/** Sum up what was read. */
export const joinPages = defineStep('intake.join_pages', { input: Job }, async ({ input, results }) => {
  const parts = Object.entries(results).filter(([name]) => name.startsWith('extract_pages'));
  return {
    pages: parts.reduce((sum, [, part]) => sum + ReadPages.parse(part).pages, 0),
    fewest_words: await services().documents.fewestWords(input.document_id),
  };
});

/** A page with hardly a word on it was not read well: a person has to look. */
export const chooseReview = defineStep(
  'intake.choose_review',
  { results: { join_pages: Extracted } },
  ({ results, config }) => {
    const { fewest_words } = results.join_pages;
    const needsPerson = fewest_words < z.int().parse(config.min_words);
    return { ...route([needsPerson ? 'ask_reviewer' : 'publish']), fewest_words };
  },
);

export const publish = defineStep('intake.publish', { input: Job }, ({ input }) =>
  moved(input.document_id, 'published', 'received'),
);

/** Leave the document to a reviewer. No step waits for the answer: it starts another task. */
export const askReviewer = defineStep('intake.ask_reviewer', { input: Job }, ({ input }) =>
  moved(input.document_id, 'waiting_for_review', 'received'),
);

async function contentOf(id: string): Promise<Uint8Array> {
  const content = await services().documents.content(id);
  if (!content) throw new PermanentError(`document ${id} does not exist`);
  return content;
}

async function pagesOf(id: string): Promise<string[]> {
  const content = await contentOf(id);
  try {
    return splitPages(content);
  } catch (error) {
    throw error instanceof NotReadable ? new PermanentError(error.message, { code: 'NOT_READABLE' }) : error;
  }
}
