/**
 * Documents and what belongs to them, in PostgreSQL.
 *
 * Every method is a transaction of its own. Steps may run twice, so writing the same thing again changes nothing, and a status changes
 * only from the one that is expected.
 */

import type { Sql } from '../database.ts';
import { type NewTask, taskRow } from '../tasks.ts';
import type { PageText } from './content.ts';

export type Status = 'received' | 'infected' | 'waiting_for_review' | 'published' | 'rejected';

export interface Document {
  id: string;
  owner_id: string;
  filename: string;
  sha256: string;
  status: Status;
  /** Known when the first step of the task has begun. */
  task_uuid: string | null;
  created_at: Date;
}

export interface NewDocument {
  id: string;
  owner_id: string;
  filename: string;
  content: Uint8Array;
}

/** The answer of a person. */
export interface Answer {
  document_id: string;
  reviewer_id: string;
  approved: boolean;
  note: string;
}

export interface Review extends Answer {
  /** Known when the first step of the task has begun. */
  task_uuid: string | null;
}

/** What the routes and the steps need; tests have one in memory. */
export interface Documents {
  /** Store a document with its task, or return the one that has this id already. */
  add(document: NewDocument, task: NewTask): Promise<Document>;
  get(id: string): Promise<Document | undefined>;
  /** The owner's documents, the newest first. */
  listOf(ownerId: string, limit: number): Promise<Document[]>;
  content(id: string): Promise<Uint8Array | undefined>;
  setTask(of: 'documents' | 'reviews', id: string, taskUuid: string): Promise<void>;
  /** Change the status if it is the expected one, and return the one it has then; undefined without such a document. */
  move(id: string, to: Status, onlyFrom: Status): Promise<Status | undefined>;
  putPages(id: string, pages: readonly PageText[]): Promise<void>;
  /** The number of words on the page that has the fewest. */
  fewestWords(id: string): Promise<number>;
  /** Store an answer with its task, or return the one that was given before. */
  addReview(answer: Answer, task: NewTask): Promise<Review>;
  review(id: string): Promise<Review | undefined>;
  /** Note that the owner is told; false if that was noted before. */
  addNotice(id: string, status: Status): Promise<boolean>;
}

export function sha256(content: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(content).digest('hex');
}

/** The documents of the application's database. */
export class SqlDocuments implements Documents {
  constructor(private readonly sql: Sql) {}

  async add(document: NewDocument, task: NewTask): Promise<Document> {
    const { id, owner_id, filename, content } = document;
    await this.sql.begin(async (tx) => {
      const added = await tx`
        insert into app.documents (id, owner_id, filename, sha256, content)
        values (${id}, ${owner_id}, ${filename}, ${sha256(content)}, ${Buffer.from(content)})
        on conflict do nothing returning id`;
      if (added.length) await taskRow(tx, task);
    });
    const stored = await this.get(id);
    if (!stored) throw new Error(`document ${id} is gone`);
    return stored;
  }

  async get(id: string): Promise<Document | undefined> {
    const [row] = await this.sql<Document[]>`select ${this.#columns()} from app.documents where id = ${id}`;
    return row;
  }

  async listOf(ownerId: string, limit: number): Promise<Document[]> {
    return this.sql<Document[]>`
      select ${this.#columns()} from app.documents where owner_id = ${ownerId} order by created_at desc, id limit ${limit}`;
  }

  /** Without the content, which is read only where it is wanted. */
  #columns() {
    return this.sql(['id', 'owner_id', 'filename', 'sha256', 'status', 'task_uuid', 'created_at']);
  }

  async content(id: string): Promise<Uint8Array | undefined> {
    const [row] = await this.sql<{ content: Buffer }[]>`select content from app.documents where id = ${id}`;
    return row?.content;
  }

  async setTask(of: 'documents' | 'reviews', id: string, taskUuid: string): Promise<void> {
    const key = of === 'documents' ? 'id' : 'document_id';
    await this.sql`update ${this.sql(`app.${of}`)} set task_uuid = ${taskUuid} where ${this.sql(key)} = ${id}`;
  }

  async move(id: string, to: Status, onlyFrom: Status): Promise<Status | undefined> {
    await this.sql`update app.documents set status = ${to} where id = ${id} and status = ${onlyFrom}`;
    return (await this.get(id))?.status;
  }

  async putPages(id: string, pages: readonly PageText[]): Promise<void> {
    if (!pages.length) return;
    const rows = pages.map((page) => ({ document_id: id, ...page }));
    await this.sql`
      insert into app.pages ${this.sql(rows)}
      on conflict (document_id, number) do update set text = excluded.text, words = excluded.words`;
  }

  async fewestWords(id: string): Promise<number> {
    const [row] = await this.sql<
      { words: number | null }[]
    >`select min(words) as words from app.pages where document_id = ${id}`;
    return row?.words ?? 0;
  }

  async addReview(answer: Answer, task: NewTask): Promise<Review> {
    await this.sql.begin(async (tx) => {
      const added = await tx`insert into app.reviews ${tx({ ...answer })} on conflict do nothing returning document_id`;
      if (added.length) await taskRow(tx, task);
    });
    const stored = await this.review(answer.document_id);
    if (!stored) throw new Error(`the review of document ${answer.document_id} is gone`);
    return stored;
  }

  async review(id: string): Promise<Review | undefined> {
    const [row] = await this.sql<Review[]>`
      select document_id, reviewer_id, approved, note, task_uuid from app.reviews where document_id = ${id}`;
    return row;
  }

  async addNotice(id: string, status: Status): Promise<boolean> {
    const added = await this.sql`
      insert into app.notices (document_id, status) values (${id}, ${status}) on conflict do nothing returning document_id`;
    return added.length > 0;
  }
}
