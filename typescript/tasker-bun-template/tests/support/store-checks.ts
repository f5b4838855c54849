/** What is asked of a store of documents, in memory and on PostgreSQL. */

import { expect, test } from 'bun:test';
import type { Documents, Status } from '../../src/documents/store.ts';
import type { NewTask } from '../../src/tasks.ts';

interface Store {
  documents: Documents;
  /** A user. */
  owner: string;
  /** Tasks that are to be created, by the id of their request. */
  requests(): Promise<string[]>;
}

const bytes = (text: string) => new TextEncoder().encode(text);

/** The checks, with a store for each. */
export function checkStore(make: () => Promise<Store>): void {
  const task = (documentId: string): NewTask => ({
    template: 'intake_document',
    documentId,
    requestId: crypto.randomUUID(),
  });
  const one = async () => {
    const store = await make();
    const id = crypto.randomUUID();
    const wanted = task(id);
    await store.documents.add({ id, owner_id: store.owner, filename: 'a.txt', content: bytes('abc') }, wanted);
    return { ...store, id, wanted };
  };

  test('a document is stored once, with one task', async () => {
    const { documents, owner, id, wanted, requests } = await one();
    expect(await documents.get(crypto.randomUUID())).toBeUndefined();
    expect(await documents.content(crypto.randomUUID())).toBeUndefined();
    const again = { id, owner_id: owner, filename: 'b.txt', content: bytes('other') };
    const second = task(id);
    expect(await documents.add(again, second)).toMatchObject({
      filename: 'a.txt',
      status: 'received',
      task_uuid: null,
    });
    expect(await requests()).toContain(wanted.requestId);
    expect(await requests()).not.toContain(second.requestId);
    expect(Buffer.from((await documents.content(id)) ?? []).toString()).toBe('abc');
    const other = crypto.randomUUID();
    await documents.add({ id: other, owner_id: owner, filename: 'c.txt', content: bytes('') }, task(other));
    expect((await documents.listOf(owner, 10)).map((found) => found.id)).toEqual([other, id]);
    expect(await documents.listOf(owner, 1)).toHaveLength(1);
    await documents.setTask('documents', id, wanted.requestId);
    expect(await documents.get(id)).toMatchObject({ task_uuid: wanted.requestId });
  });

  test('a status changes only from the expected one', async () => {
    const { documents, id } = await one();
    const publish = (from: Status) => documents.move(id, 'published', from);
    expect(await publish('waiting_for_review')).toBe('received');
    expect(await publish('received')).toBe('published');
    expect(await documents.move(id, 'infected', 'received')).toBe('published');
    expect(await documents.move(crypto.randomUUID(), 'infected', 'received')).toBeUndefined();
  });

  test('pages that are read again replace themselves', async () => {
    const { documents, id } = await one();
    expect(await documents.fewestWords(id)).toBe(0);
    await documents.putPages(id, []);
    await documents.putPages(id, [
      { number: 1, text: 'a b', words: 2 },
      { number: 2, text: 'a b c', words: 3 },
    ]);
    expect(await documents.fewestWords(id)).toBe(2);
    await documents.putPages(id, [{ number: 1, text: 'a b c d', words: 4 }]);
    expect(await documents.fewestWords(id)).toBe(3);
  });

  test('answers and notices count once', async () => {
    const { documents, owner, id, requests } = await one();
    expect(await documents.review(id)).toBeUndefined();
    const finish = () => ({ ...task(id), template: 'finish_review' as const });
    const [first, second] = [finish(), finish()];
    const answer = { document_id: id, reviewer_id: owner, approved: true, note: 'fine' };
    expect(await documents.addReview(answer, first)).toEqual({ ...answer, task_uuid: null });
    expect(await documents.addReview({ ...answer, approved: false, note: 'no' }, second)).toMatchObject(answer);
    expect(await requests()).toContain(first.requestId);
    expect(await requests()).not.toContain(second.requestId);
    await documents.setTask('reviews', id, first.requestId);
    expect(await documents.review(id)).toEqual({ ...answer, task_uuid: first.requestId });
    expect(await documents.addNotice(id, 'published')).toBeTrue();
    expect(await documents.addNotice(id, 'published')).toBeFalse();
    expect(await documents.addNotice(id, 'rejected')).toBeTrue();
  });
}
