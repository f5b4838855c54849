/** The application as it is deployed: a web process, a relay and a worker, with PostgreSQL and Tasker's server. */

import { expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from 'tasker-contrib-bun/client';
import { newUser, SqlUsers } from '../../src/users.ts';
import { PASSWORD } from '../support/app.ts';
import { start } from '../support/processes.ts';
import { register, stack } from '../support/stack.ts';
import { PATIENCE, until } from '../support/until.ts';

setDefaultTimeout(5 * PATIENCE);

const hasCore = existsSync(join(import.meta.dir, '../../node_modules/@tasker-systems/tasker'));

interface Document {
  id: string;
  status: string;
}

/** The API with somebody signed in. */
async function signedIn(url: string) {
  const { sql } = await stack();
  const user = await newUser(`${crypto.randomUUID()}@example.org`, PASSWORD, true);
  await new SqlUsers(sql).add(user);
  const form = new URLSearchParams({ username: user.email, password: PASSWORD });
  const token = (await (await fetch(`${url}/token`, { method: 'POST', body: form })).json()) as {
    access_token: string;
  };
  const headers = { Authorization: `Bearer ${token.access_token}` };
  const call = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(url + path, { ...init, headers: { ...headers, ...init.headers } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const upload = async (content: string) => {
    const body = new FormData();
    body.set('file', new File([content], 'letter.txt'));
    const answer = await call('/documents', {
      method: 'POST',
      body,
      headers: { 'Idempotency-Key': crypto.randomUUID() },
    });
    return { id: ((await answer.json()) as Document).id, requestId: answer.headers.get('x-request-id') ?? '' };
  };
  const becomes = (id: string, status: string) =>
    until(`document ${id} is ${status}`, async () => {
      return ((await (await call(`/documents/${id}`)).json()) as Document).status === status;
    });
  return { call, upload, becomes };
}

/** Not skipped but absent: nobody can run it without that package. */
const absent = (name: string) => console.info(`@tasker-systems/tasker is not installed; left out: ${name}`);

(hasCore ? test : absent)('documents are published with and without a person', async () => {
  const { environment } = await stack();
  const [worker, relay, web] = await Promise.all(['worker', 'relay', 'web'].map((name) => start(name, environment)));
  if (!worker || !relay || !web) throw new Error('three processes');
  const { call, upload, becomes } = await signedIn(web.url);
  const [plain, doubtful] = [await upload('a page of words\fand one more page'), await upload('?')];
  await becomes(doubtful.id, 'waiting_for_review');
  await call(`/documents/${doubtful.id}/review`, { method: 'POST', body: JSON.stringify({ approved: true }) });
  await becomes(doubtful.id, 'published');
  await becomes(plain.id, 'published');
  expect([await web.stop(), await relay.stop(), await worker.stop()]).toEqual([0, 0, 0]);
});

test('an upload becomes a task of the server, and every process stops in order', async () => {
  const { environment } = await stack();
  await register(join(import.meta.dir, '../../config/tasks/intake_document.yaml'));
  const [relay, web] = await Promise.all(['relay', 'web'].map((name) => start(name, environment)));
  if (!relay || !web) throw new Error('two processes');
  const { id, requestId } = await (await signedIn(web.url)).upload('a page of words');
  const client = createClient({ url: environment.TASKER_ORCHESTRATION_URL });
  const looked = async () => (await client.listTasks({ namespace: 'intake' })).tasks;
  const task = await until('the task', async () => (await looked()).find(({ context }) => context.document_id === id));
  expect(task).toMatchObject({ name: 'intake_document', version: '1.0.0', correlation_id: requestId });
  expect([await web.stop(), await relay.stop()]).toEqual([0, 0]);
  expect(web.lines()).toContainEqual(
    expect.objectContaining({ message: 'POST /documents', status: 202, request_id: requestId }),
  );
  expect(relay.lines()).toContainEqual(
    expect.objectContaining({ message: `task of document ${id}`, task_uuid: task.task_uuid, request_id: requestId }),
  );
});
