/** The worker without Core's package: on the double of tasker-contrib-bun's tests. */

import { expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { SqlDocuments } from '../../src/documents/store.ts';
import { newUser, SqlUsers } from '../../src/users.ts';
import { PASSWORD } from '../support/app.ts';
import { start } from '../support/processes.ts';
import { stack } from '../support/stack.ts';
import { PATIENCE, until } from '../support/until.ts';

setDefaultTimeout(4 * PATIENCE);

test('the worker runs a step with the database, and stops in order', async () => {
  const { environment, sql } = await stack();
  const owner = await newUser(`${crypto.randomUUID()}@example.org`, PASSWORD);
  await new SqlUsers(sql).add(owner);
  const [id, documents] = [crypto.randomUUID(), new SqlDocuments(sql)];
  const document = { id, owner_id: owner.id, filename: 'a.txt', content: new TextEncoder().encode('words') };
  await documents.add(document, { template: 'intake_document', documentId: id, requestId: crypto.randomUUID() });
  const preload = ['--preload', join(import.meta.dir, 'double.ts')];
  const worker = await start('worker', { ...environment, DOCUMENT_ID: id }, preload);
  const completed = () => worker.lines().find(({ message }) => message === 'step completed');
  const line = await until('the step', completed);
  expect((await documents.get(id))?.task_uuid).toBe(line.task_uuid as string);
  expect(line).toMatchObject({ step: 'intake.scan', step_uuid: expect.any(String) });
  expect(await worker.stop()).toBe(0);
  expect(worker.lines().at(-1)?.message).toStartWith('tasker: stopped after');
});
