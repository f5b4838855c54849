/** Stand-ins in memory for what the application keeps in PostgreSQL. */

import type { PageText } from '../../src/documents/content.ts';
import {
  type Answer,
  type Document,
  type Documents,
  type NewDocument,
  type Review,
  type Status,
  sha256,
} from '../../src/documents/store.ts';
import type { NewTask } from '../../src/tasks.ts';
import type { User, Users } from '../../src/users.ts';

/** `tests/support/store-checks.ts` holds it to the same as the one on PostgreSQL. */
export class MemoryDocuments implements Documents {
  readonly stored = new Map<string, Document & { content: Uint8Array }>();
  readonly pages = new Map<string, PageText>();
  readonly reviews = new Map<string, Review>();
  readonly notices = new Set<string>();
  /** What the relay would create. */
  readonly tasks: NewTask[] = [];

  async add({ id, owner_id, filename, content }: NewDocument, task: NewTask): Promise<Document> {
    const there = this.stored.get(id);
    if (there) return { ...there };
    const more = { sha256: sha256(content), status: 'received', task_uuid: null, created_at: new Date() } as const;
    const document = { id, owner_id, filename, content, ...more };
    this.stored.set(id, document);
    this.tasks.push(task);
    return { ...document };
  }

  async get(id: string): Promise<Document | undefined> {
    const document = this.stored.get(id);
    return document && { ...document };
  }

  async listOf(ownerId: string, limit: number): Promise<Document[]> {
    const own = [...this.stored.values()].filter(({ owner_id }) => owner_id === ownerId);
    return own.reverse().slice(0, limit);
  }

  async content(id: string): Promise<Uint8Array | undefined> {
    return this.stored.get(id)?.content;
  }

  async setTask(of: 'documents' | 'reviews', id: string, taskUuid: string): Promise<void> {
    const row = of === 'documents' ? this.stored.get(id) : this.reviews.get(id);
    if (row) row.task_uuid = taskUuid;
  }

  async move(id: string, to: Status, onlyFrom: Status): Promise<Status | undefined> {
    const document = this.stored.get(id);
    if (document?.status === onlyFrom) document.status = to;
    return document?.status;
  }

  async putPages(id: string, pages: readonly PageText[]): Promise<void> {
    for (const page of pages) this.pages.set(`${id} ${page.number}`, page);
  }

  async fewestWords(id: string): Promise<number> {
    const words = [...this.pages].filter(([key]) => key.startsWith(id)).map(([, page]) => page.words);
    return words.length ? Math.min(...words) : 0;
  }

  async addReview(answer: Answer, task: NewTask): Promise<Review> {
    const there = this.reviews.get(answer.document_id);
    if (there) return { ...there };
    this.reviews.set(answer.document_id, { ...answer, task_uuid: null });
    this.tasks.push(task);
    return { ...answer, task_uuid: null };
  }

  async review(id: string): Promise<Review | undefined> {
    const review = this.reviews.get(id);
    return review && { ...review };
  }

  async addNotice(id: string, status: Status): Promise<boolean> {
    const key = `${id} ${status}`;
    const isNew = !this.notices.has(key);
    this.notices.add(key);
    return isNew;
  }
}

export class MemoryUsers implements Users {
  constructor(private readonly users: readonly User[]) {}

  async byEmail(email: string): Promise<User | undefined> {
    return this.users.find((user) => user.email === email.toLowerCase());
  }

  async get(id: string): Promise<User | undefined> {
    return this.users.find((user) => user.id === id);
  }
}
