/**
 * Mounts health, metrics and events in an Elysia app.
 *
 * @example
 * ```ts
 * new Elysia().use(tasker(server)).post('/orders', ({ tasker, body }) => tasker.createTask('ship', body));
 * ```
 *
 * @module
 */

import { Elysia } from 'elysia';
import type { TaskerServer } from './server.ts';

/** A plugin: answers the server's own paths, and decorates the context with the client as `tasker`. */
export function tasker(server: TaskerServer) {
  return new Elysia({ name: 'tasker-contrib-bun' })
    .decorate('tasker', server.client)
    .get(
      `${server.prefix}/*`,
      async ({ request }) => (await server.handle(request)) ?? new Response('Not Found', { status: 404 }),
    );
}
