/** Writes a row of the outbox, in the transaction that the application has open. */

import type { CreateTaskOptions } from '../client.ts';
import { TaskerConfigError } from '../errors.ts';
import { messageOf, storable } from '../storable.ts';
import { checkedTable, type Queryable, queryOf, TABLE } from './sql.ts';

/** Options of {@link enqueue}. */
export interface EnqueueOptions extends Omit<CreateTaskOptions, 'idempotent' | 'signal'> {
  /** Default: `tasker_outbox`. */
  table?: string;
  /**
   * Tasks with the same key are created in the order of their commits. A second transaction with the key waits for the end of the first
   * one, so use keys that few transactions share, such as the number of an order.
   */
  orderingKey?: string;
  /**
   * When somebody else has created a task with the same template and context: `dead` keeps the row for a person, `ignore` is content with
   * that task. Default: `dead`.
   */
  onConflict?: 'dead' | 'ignore';
}

/** A row that was written. The task has no UUID before a relay has created it. */
export interface Enqueued {
  id: string;
  /** Of the task that will be. */
  correlationId: string;
}

// The lock makes the second of two transactions with the same key wait for the first one's end, so that the ids of a key are in the order
// of the commits. Without a key it locks nothing.
const insert = (table: string) => `
with key_lock as materialized (
    select pg_advisory_xact_lock(hashtextextended('${table}' || ':' || $6::text, 0))
)
insert into ${table} (namespace, name, version, context, options, ordering_key, correlation_id)
select $1::text, $2::text, $3::text, $4::text::jsonb, $5::text::jsonb, $6::text, $7::text::uuid from key_lock
returning id::text`;

/**
 * Write a task into the open transaction: one statement, and no call of the server. The task is created soon after the commit, and never
 * when the transaction is rolled back.
 *
 * @param transaction - of `Bun.SQL` or postgres.js, or a function that runs a statement in it.
 * @throws `TaskerConfigError` - the context cannot be stored, or an option is not what it must be.
 */
export async function enqueue(
  transaction: Queryable,
  name: string,
  context: object = {},
  options: EnqueueOptions = {},
): Promise<Enqueued> {
  const { table = TABLE, namespace = 'default', version = '1.0.0', orderingKey = null, onConflict } = options;
  const { correlationId = crypto.randomUUID() } = options;
  if (onConflict !== undefined && onConflict !== 'dead' && onConflict !== 'ignore') {
    throw new TaskerConfigError([`onConflict must be 'dead' or 'ignore', not ${JSON.stringify(onConflict)}`]);
  }
  const stored = {
    initiator: options.initiator,
    source_system: options.sourceSystem,
    reason: options.reason,
    priority: options.priority,
    tags: options.tags,
    parent_correlation_id: options.parentCorrelationId,
    on_conflict: onConflict === 'ignore' ? onConflict : undefined,
  };
  const values = [
    namespace,
    name,
    version,
    JSON.stringify(storedContext(context)),
    JSON.stringify(stored),
    orderingKey,
    correlationId,
  ];
  const [row] = await queryOf(transaction)(insert(checkedTable(table)), values);
  return { id: String(row?.id), correlationId };
}

function storedContext(context: object): unknown {
  try {
    return storable(context, 'context');
  } catch (error) {
    throw new TaskerConfigError([messageOf(error)]);
  }
}
