/**
 * Mounts health, metrics and events in a Hono app.
 *
 * @example
 * ```ts
 * app.use(tasker(server)); // the client is c.get('tasker')
 * ```
 *
 * @module
 */

import type { MiddlewareHandler } from 'hono';
import type { TaskerClient } from './client.ts';
import type { TaskerServer } from './server.ts';

/** Middleware: answers the server's own paths, and gives the client to the rest as `tasker`. */
export function tasker(server: TaskerServer): MiddlewareHandler<{ Variables: { tasker: TaskerClient } }> {
  return async (context, next) => {
    const answer = await server.handle(context.req.raw);
    if (answer) return answer;
    context.set('tasker', server.client);
    return next();
  };
}
