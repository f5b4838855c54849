import { SQL } from 'bun';
import { createClient } from 'tasker-contrib-bun/client';
import { enqueue, OutboxRelay } from 'tasker-contrib-bun/outbox';

const sql = new SQL(process.env.SHOP_DATABASE_URL ?? 'postgresql://shop@127.0.0.1/shop');

/** Store an order and its task, or neither. */
export function placeOrder(amount: number): Promise<void> {
  return sql.begin(async (tx) => {
    const [order] = await tx`insert into orders (amount) values (${amount}) returning id`;
    await enqueue(tx, 'ship', { order_id: order.id }, { namespace: 'shop' });
  });
}

/** In the server, or in a process of its own; `stop()` ends it after the row in hand. */
export const relay = new OutboxRelay(sql, createClient({ maxRetries: 0 }));
