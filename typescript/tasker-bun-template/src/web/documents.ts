/** The API: upload a document, look at it, answer a review. */

import { createHash } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';
import { type Document, sha256 } from '../documents/store.ts';
import type { Env, Parts } from './app.ts';
import { requireReviewer, requireUser } from './auth.ts';
import { limitUploads, type RateLimits } from './limits.ts';

const Key = z.string().min(8).max(128);
const Limit = z.coerce.number().int().min(1).max(100).default(25);
const Answer = z.strictObject({ approved: z.boolean(), note: z.string().max(1000).default('') });

export function documentRoutes(parts: Parts, limits: RateLimits): Hono<Env> {
  const { documents, settings } = parts;
  const routes = new Hono<Env>();
  routes.use(requireUser(parts));

  // Take in a document. The same key again gives the same document, and one task.
  routes.post('/', limitUploads(limits), async (c) => {
    const { user, requestId } = c.var;
    const key = valid(Key, c.req.header('idempotency-key'), 'Idempotency-Key');
    const { file } = await c.req.parseBody();
    if (!(file instanceof File)) throw new HTTPException(422, { message: 'file: the form needs a file' });
    if (file.size > settings.MAX_UPLOAD_BYTES) {
      throw new HTTPException(413, { message: `the file has more than ${settings.MAX_UPLOAD_BYTES} bytes` });
    }
    const content = await file.bytes();
    const id = documentId(user.id, key);
    const filename = (file.name || 'unnamed').slice(0, 255).replaceAll('\0', '');
    const document = await documents.add(
      { id, owner_id: user.id, filename, content },
      { template: 'intake_document', documentId: id, requestId },
    );
    if (document.sha256 !== sha256(content)) {
      throw new HTTPException(422, { message: 'this Idempotency-Key was used with another file' });
    }
    return c.json(shown(document), 202);
  });

  routes.get('/', async (c) => {
    const limit = valid(Limit, c.req.query('limit'), 'limit');
    return c.json((await documents.listOf(c.var.user.id, limit)).map(shown));
  });

  routes.get('/:document_id', async (c) => {
    const id = idIn(c);
    const document = await documents.get(id);
    // What is somebody else's does not exist, so that nobody can ask around.
    if (!document || !(c.var.user.is_reviewer || document.owner_id === c.var.user.id)) throw notFound(id);
    return c.json(shown(document));
  });

  // Answer for a document that waits for a person. The same answer again changes nothing.
  routes.post('/:document_id/review', requireReviewer, async (c) => {
    const id = idIn(c);
    const answer = valid(Answer, await c.req.json().catch(() => undefined), 'body');
    const document = await documents.get(id);
    if (!document) throw notFound(id);
    let review = await documents.review(id);
    if (!review) {
      checkWaits(document);
      review = await documents.addReview(
        { document_id: id, reviewer_id: c.var.user.id, ...answer },
        { template: 'finish_review', documentId: id, requestId: c.var.requestId },
      );
    }
    if (review.approved !== answer.approved) {
      throw new HTTPException(409, { message: 'the review has another answer already' });
    }
    return c.json({ document_id: id, approved: review.approved, task_uuid: review.task_uuid }, 202);
  });
  return routes;
}

function shown({ id, filename, sha256, status, task_uuid, created_at }: Document) {
  return { id, filename, sha256, status, task_uuid, created_at };
}

/** The same for the same user and key: a UUID of version 5, with the user as the namespace. */
export function documentId(userId: string, key: string): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(userId.replaceAll('-', ''), 'hex'))
    .update(key)
    .digest();
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function valid<S extends z.ZodType>(schema: S, value: unknown, where: string): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path, message }) => `${[where, ...path].join('.')}: ${message}`);
  throw new HTTPException(422, { message: lines.join('; ') });
}

function idIn(c: Context<Env, '/:document_id'>): string {
  return valid(z.uuid(), c.req.param('document_id'), 'document_id');
}

function checkWaits({ status }: Document): void {
  if (status !== 'waiting_for_review') {
    throw new HTTPException(409, { message: `the document waits for no review: it is ${status}` });
  }
}

function notFound(id: string): HTTPException {
  return new HTTPException(404, { message: `there is no document ${id}` });
}
