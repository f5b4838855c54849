/**
 * An enqueue that cannot be lost: a task is a row of your own transaction, and a relay creates it from there. For PostgreSQL, with
 * `Bun.SQL`, postgres.js, or any function that runs a statement.
 *
 * @example
 * ```ts
 * import { SQL } from 'bun';
 * import { createClient } from 'tasker-contrib-bun/client';
 * import { enqueue, OutboxRelay } from 'tasker-contrib-bun/outbox';
 *
 * const sql = new SQL('postgresql://shop@127.0.0.1/shop');
 * const relay = new OutboxRelay(sql, createClient({ maxRetries: 0 }));
 * relay.start();
 *
 * const placeOrder = (amount: number) =>
 *   sql.begin(async (tx) => {
 *     const [order] = await tx`insert into orders (amount) values (${amount}) returning id`;
 *     await enqueue(tx, 'ship', { order_id: order.id }, { namespace: 'shop' });
 *   });
 * ```
 *
 * @module
 */

export { type Enqueued, type EnqueueOptions, enqueue } from './outbox/enqueue.ts';
export { OutboxRelay, type OutboxRelayOptions } from './outbox/relay.ts';
export { Outbox, type OutboxRow, type OutboxStats } from './outbox/rows.ts';
export { outboxStatements, type Query, type Queryable, type Transactional } from './outbox/sql.ts';
