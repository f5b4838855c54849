/** The workflows of `config/tasks` from end to end, in memory. */

import { beforeEach, expect, test } from 'bun:test';
import { join } from 'node:path';
import { matchers, runStep, runWorkflow } from 'tasker-contrib-bun/testing';
import { EICAR, type Scanner, ScannerUnavailable, stubScanner } from '../../src/documents/scanner.ts';
import * as intake from '../../src/handlers/intake.ts';
import * as review from '../../src/handlers/review.ts';
import { notify } from '../../src/handlers/shared.ts';
import { provide } from '../../src/services.ts';
import { NOWHERE } from '../support/app.ts';
import { MemoryDocuments } from '../support/fakes.ts';

expect.extend(matchers);

const TASKS = join(import.meta.dir, '../../config/tasks');
const PAGE = 'a page with enough words';
const handlers = [...Object.values(intake), ...Object.values(review), notify];

let documents: MemoryDocuments;
beforeEach(() => {
  documents = new MemoryDocuments();
  provide({ documents, scanner: stubScanner });
});

type Template = 'intake_document' | 'finish_review';

async function store(content: string | Uint8Array): Promise<string> {
  const id = crypto.randomUUID();
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const task = { template: 'intake_document', documentId: id, requestId: NOWHERE } as const;
  await documents.add({ id, owner_id: NOWHERE, filename: 'letter.txt', content: bytes }, task);
  return id;
}

const run = (id: string, template: Template = 'intake_document') =>
  runWorkflow(join(TASKS, `${template}.yaml`), { context: { document_id: id }, handlers });
const status = async (id: string) => (await documents.get(id))?.status;

test('a readable document is published', async () => {
  const id = await store(Array(45).fill(PAGE).join('\f'));
  const done = await run(id);
  expect(done).toCompleteWorkflow();
  expect(done.step('join_pages').result).toEqual({ pages: 45, fewest_words: 5 });
  expect(done.step('notify').result).toEqual({ status: 'published', sent: true });
  expect(done.steps.has('ask_reviewer')).toBeFalse();
  expect([...done.steps.keys()].filter((name) => name.startsWith('extract_pages_'))).toHaveLength(3);
  expect(await documents.get(id)).toMatchObject({ status: 'published', task_uuid: expect.any(String) });
});

test('a page that was not read well goes to a person', async () => {
  const id = await store(`${PAGE}\f?`);
  const done = await run(id);
  expect(done).toCompleteWorkflow();
  expect(done.step('notify').result).toMatchObject({ status: 'waiting_for_review' });
  expect(done.steps.has('publish')).toBeFalse();
  expect(await status(id)).toBe('waiting_for_review');
});

test.each([
  [true, 'published'],
  [false, 'rejected'],
] as const)('the answer %p makes it %s', async (approved, end) => {
  const id = await store('?');
  expect(await run(id)).toCompleteWorkflow();
  const task = { template: 'finish_review', documentId: id, requestId: NOWHERE } as const;
  await documents.addReview({ document_id: id, reviewer_id: NOWHERE, approved, note: '' }, task);
  const done = await run(id, 'finish_review');
  expect(done).toCompleteWorkflow();
  expect(done.step('notify').result).toEqual({ status: end, sent: true });
  expect(await documents.review(id)).toMatchObject({ task_uuid: expect.any(String) });
  expect(await status(id)).toBe(end);
});

test('a busy scanner is asked again', async () => {
  let asked = 0;
  const busy: Scanner = {
    async findVirus() {
      if (++asked < 3) throw new ScannerUnavailable('the scanner is busy');
      return undefined;
    },
  };
  provide({ documents, scanner: busy });
  const done = await run(await store(PAGE));
  expect(done).toCompleteWorkflow();
  expect(done.step('scan').attempts).toBe(3);
  expect(done.step('scan').delays.every((delay) => delay > 0)).toBeTrue();
});

test('a virus ends the task', async () => {
  const id = await store(`hello ${EICAR}`);
  const done = await run(id);
  expect(done.status).toBe('blocked_by_failures');
  expect(done.step('scan')).toMatchObject({ attempts: 1, error: 'the scanner found EICAR-Test-File' });
  expect(await status(id)).toBe('infected');
});

test('what is not text is not tried again', async () => {
  const done = await run(await store(new Uint8Array([255, 254])));
  expect(done.status).toBe('blocked_by_failures');
  expect(done.step('split')).toMatchObject({ attempts: 1, error: 'the document is not UTF-8' });
});

test('a second run tells nobody twice', async () => {
  const id = await store(PAGE);
  await run(id);
  const again = await run(id);
  expect(again).toCompleteWorkflow();
  expect(again.step('notify').result).toMatchObject({ sent: false });
});

test.each([
  ['intake_document', 'scan'],
  ['finish_review', 'read_answer'],
] as const)('%s of a document that does not exist is not tried again', async (template, step) => {
  const done = await run(NOWHERE, template);
  expect(done.status).toBe('blocked_by_failures');
  expect(done.step(step).attempts).toBe(1);
});

test('a document that is gone is not published', async () => {
  const step = await runStep(intake.publish, { context: { document_id: NOWHERE } });
  expect(step).toFailPermanently('does not exist');
});
