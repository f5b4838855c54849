import { beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { documentId } from '../../src/web/documents.ts';
import { memoryApp, NOWHERE, type Person } from '../support/app.ts';
import { PATIENCE } from '../support/until.ts';

setDefaultTimeout(PATIENCE);

let { app, documents, tokens } = await memoryApp();
beforeEach(async () => {
  ({ app, documents, tokens } = await memoryApp());
});

function upload(name: Person, content = 'three good words', key = 'key-0001') {
  const body = new FormData();
  body.set('file', new File([content], 'letter.txt'));
  return app.request('/documents', { method: 'POST', body, headers: { ...tokens[name], 'Idempotency-Key': key } });
}

const json = async (answer: Response | Promise<Response>) => (await (await answer).json()) as Record<string, string>;
const get = (name: Person, path: string) => app.request(path, { headers: tokens[name] });

test('an upload is stored with its task', async () => {
  const answer = await upload('ann');
  expect(answer.status).toBe(202);
  const taken = await json(answer);
  expect(Object.keys(taken)).toEqual(['id', 'filename', 'sha256', 'status', 'task_uuid', 'created_at']);
  expect(taken).toMatchObject({ status: 'received', filename: 'letter.txt', task_uuid: null });
  const requestId = answer.headers.get('x-request-id');
  expect(documents.tasks).toEqual([{ template: 'intake_document', documentId: taken.id, requestId } as never]);
  expect(Buffer.from((await documents.content(taken.id ?? '')) ?? []).toString()).toBe('three good words');
});

test('the same key is the same document and one task', async () => {
  const [first, second] = [await json(upload('ann')), await json(upload('ann'))];
  expect(first).toEqual(second);
  const others = [await json(upload('bob')), await json(upload('ann', undefined, 'key-0002'))];
  expect(new Set([first.id, ...others.map(({ id }) => id)]).size).toBe(3);
  expect(documents.tasks).toHaveLength(3);
});

test('ids are UUIDs of version 5', () => {
  // The example of RFC 9562, A.4.
  expect(documentId('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')).toBe(
    '2ed6657d-e927-568b-95e1-2665a8aea6a2',
  );
});

test('a key belongs to one file', async () => {
  await upload('ann');
  const answer = await upload('ann', 'something else');
  expect(answer.status).toBe(422);
  expect((await json(answer)).detail).toContain('another file');
});

test('a key and a file are required', async () => {
  expect((await upload('ann', 'a', 'short')).status).toBe(422);
  const headers = { ...tokens.ann, 'Idempotency-Key': 'key-0001' };
  const answer = await app.request('/documents', { method: 'POST', headers, body: new FormData() });
  expect([answer.status, await json(answer)]).toEqual([422, { detail: 'file: the form needs a file' }]);
});

test('a large body is refused', async () => {
  const answer = await upload('ann', 'x'.repeat(20_000));
  expect(answer.status).toBe(413);
  expect((await json(answer)).detail).toStartWith('the request has more than');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  const body = new URLSearchParams({ username: 'x'.repeat(20_000) });
  expect((await app.request('/token', { method: 'POST', body })).status).toBe(413);
});

test('a large file is refused', async () => {
  expect((await upload('ann', 'x'.repeat(1000))).status).toBe(202);
  expect((await upload('ann', 'x'.repeat(1001), 'key-0002')).status).toBe(413);
});

test('uploads are limited', async () => {
  const statuses: number[] = [];
  for (let attempt = 0; attempt < 6; attempt++) statuses.push((await upload('ann')).status);
  expect(statuses).toEqual([202, 202, 202, 202, 202, 429]);
  expect((await upload('bob')).status).toBe(202);
});

test('everybody sees their own', async () => {
  const { id } = await json(upload('ann'));
  expect(await json(get('ann', '/documents'))).toMatchObject([{ id }]);
  expect(await json(get('bob', '/documents'))).toEqual([] as never);
  const statuses = await Promise.all(
    (['ann', 'bob', 'rita'] as const).map(async (name) => (await get(name, `/documents/${id}`)).status),
  );
  expect(statuses).toEqual([200, 404, 200]);
});

test('a wrong limit or id is refused with its place', async () => {
  expect(await json(get('ann', '/documents?limit=0'))).toEqual({ detail: expect.stringMatching(/^limit: /) });
  const answer = await get('ann', '/documents/one');
  expect([answer.status, (await json(answer)).detail]).toEqual([422, expect.stringMatching(/^document_id: /)]);
});

describe('a review', () => {
  let path: string;
  beforeEach(async () => {
    const { id = '' } = await json(upload('ann', 'hm'));
    await documents.move(id, 'waiting_for_review', 'received');
    path = `/documents/${id}/review`;
  });

  const answer = (name: Person, body: unknown = { approved: true }, where = path) =>
    app.request(where, { method: 'POST', body: JSON.stringify(body), headers: tokens[name] });

  test('starts the second task once', async () => {
    const answers = [await answer('rita'), await answer('rita')];
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    const [first, second] = await Promise.all(answers.map(json));
    expect(first).toEqual(second as never);
    expect(first).toMatchObject({ approved: true, task_uuid: null });
    expect(documents.tasks.map(({ template }) => template)).toEqual(['intake_document', 'finish_review']);
  });

  test('has one answer', async () => {
    await answer('rita');
    expect((await answer('rita', { approved: false })).status).toBe(409);
  });

  test('is for reviewers', async () => {
    expect((await answer('ann')).status).toBe(403);
  });

  test('must be one', async () => {
    expect((await answer('rita', { approved: true, extra: 1 })).status).toBe(422);
    const empty = await app.request(path, { method: 'POST', headers: tokens.rita });
    expect(empty.status).toBe(422);
  });

  test('needs a document that waits for it', async () => {
    const { id } = await json(upload('ann', undefined, 'key-0002'));
    const refused = await answer('rita', undefined, `/documents/${id}/review`);
    expect(refused.status).toBe(409);
    expect((await json(refused)).detail).toContain('it is received');
    expect((await answer('rita', undefined, `/documents/${NOWHERE}/review`)).status).toBe(404);
  });
});
