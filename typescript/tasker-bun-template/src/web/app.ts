/** The API as a function from a request to an answer; `src/web.ts` serves it. */

import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { HTTPException } from 'hono/http-exception';
import type { Documents } from '../documents/store.ts';
import { logger } from '../logs.ts';
import type { Settings } from '../settings.ts';
import type { User, Users } from '../users.ts';
import { signIn } from './auth.ts';
import { documentRoutes } from './documents.ts';
import { RateLimits } from './limits.ts';
import { requestContext } from './middleware.ts';

/** What multipart adds to a file. */
const ENVELOPE_BYTES = 10_000;

/** What the routes use. */
export interface Parts {
  settings: Settings;
  documents: Documents;
  users: Users;
}

/** Types of a request's context: `address` is the client's, `user` the one who has signed in. */
export interface Env {
  Bindings: { address?: string };
  Variables: { requestId: string; user: User };
}

export function createApp(parts: Parts): Hono<Env> {
  const { settings } = parts;
  const limits = new RateLimits(settings);
  const most = settings.MAX_UPLOAD_BYTES + ENVELOPE_BYTES;
  const tooLarge = () => {
    throw new HTTPException(413, { message: `the request has more than ${most} bytes` });
  };
  const app = new Hono<Env>();
  app.use(requestContext);
  if (settings.CORS_ORIGINS.length) {
    const allowHeaders = ['Authorization', 'Content-Type', 'Idempotency-Key', 'X-Request-ID'];
    app.use(cors({ origin: settings.CORS_ORIGINS, allowMethods: ['GET', 'POST'], allowHeaders }));
  }
  app.use(bodyLimit({ maxSize: most, onError: tooLarge }));
  app.route('/', signIn(parts, limits));
  app.route('/documents', documentRoutes(parts, limits));
  app.notFound((c) => c.json({ detail: 'Not Found' }, 404));
  app.onError((error, c) => {
    if (error instanceof HTTPException) {
      const headers = new Headers(error.res?.headers);
      headers.set('content-type', 'application/json');
      return new Response(JSON.stringify({ detail: error.message }), { status: error.status, headers });
    }
    logger.error({ err: error }, 'the request failed');
    return c.json({ detail: 'Internal Server Error' }, 500);
  });
  return app;
}
