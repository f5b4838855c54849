/** What every request passes: an id, a line in the log, security headers. */

import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import { logger, withRequestId } from '../logs.ts';
import type { Env } from './app.ts';

export const SECURITY_HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Gives each request an id, which the tasks it creates get too. */
export const requestContext = createMiddleware<Env>(async (c, next) => {
  const given = c.req.header('x-request-id');
  const id = given && UUID.test(given) ? given.toLowerCase() : crypto.randomUUID();
  c.set('requestId', id);
  const began = performance.now();
  await withRequestId(id, async () => {
    await next();
    c.header('X-Request-ID', id);
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.header(name, value);
    const duration_ms = Math.round((performance.now() - began) * 10) / 10;
    // The route's pattern, not the path: paths have ids of people's documents.
    logger.info({ status: c.res.status, duration_ms }, `${c.req.method} ${routePath(c, -1)}`);
  });
});
