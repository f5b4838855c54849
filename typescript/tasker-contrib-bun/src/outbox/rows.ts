/** The rows of an outbox, for a relay and for operators. */

import { checkedTable, type Query, type Queryable, queryOf, TABLE } from './sql.ts';

/** A task that is to be created. */
export interface OutboxRow {
  id: string;
  namespace: string;
  name: string;
  version: string;
  context: Record<string, unknown>;
  correlationId: string;
  /** As the server names them, and `on_conflict`. */
  options: Record<string, unknown>;
  orderingKey: string | null;
  /** Tries that failed. */
  attempts: number;
  lastError: string | null;
  /** Whether the relay leaves it to a person. */
  isDead: boolean;
}

/** How an outbox is doing. */
export interface OutboxStats {
  /** Rows that a relay has still to deliver. */
  open: number;
  /** Rows that wait for a person. */
  dead: number;
  /** Age of the oldest open row; 0 without one. */
  lagSeconds: number;
}

// As texts, because drivers decode numbers and JSON in different ways.
const COLUMNS = `id::text, namespace, name, version, context::text, options::text, ordering_key, correlation_id::text,
    attempts, last_error, dead_at is not null as is_dead`;

/** What operators ask of an outbox, and do to it. */
export class Outbox {
  readonly table: string;
  readonly #query: Query;

  /** @param sql - outside of a transaction. */
  constructor(sql: Queryable, { table = TABLE }: { table?: string } = {}) {
    this.table = checkedTable(table);
    this.#query = queryOf(sql);
  }

  /** Count. */
  async stats(): Promise<OutboxStats> {
    const [found] = await this.#query(
      `select count(*) filter (where dead_at is null) as open, count(dead_at) as dead,
         coalesce(extract(epoch from now() - min(created_at) filter (where dead_at is null)), 0) as lag from ${this.table}`,
      [],
    );
    return { open: Number(found?.open), dead: Number(found?.dead), lagSeconds: Number(found?.lag) };
  }

  /** The oldest rows; with `dead` only those that wait for a person. */
  async rows({ dead = false, limit = 50 }: { dead?: boolean; limit?: number } = {}): Promise<OutboxRow[]> {
    const where = dead ? 'where dead_at is not null' : '';
    const found = await this.#query(`select ${COLUMNS} from ${this.table} ${where} order by id limit $1::int`, [limit]);
    return found.map(rowOf);
  }

  /** Make rows due now; all that are dead when no ids are given. How many. */
  retry(ids?: readonly string[]): Promise<number> {
    return this.#change(`update ${this.table} set dead_at = null, attempts = 0, not_before = now()`, ids);
  }

  /** Remove rows without creating their tasks; all that are dead when no ids are given. How many. */
  discard(ids?: readonly string[]): Promise<number> {
    return this.#change(`delete from ${this.table}`, ids);
  }

  async #change(statement: string, ids: readonly string[] | undefined): Promise<number> {
    const which = ids ? 'id = any(string_to_array($1::text, $2::text)::bigint[])' : 'dead_at is not null';
    const values = ids ? [ids.join(','), ','] : [];
    return (await this.#query(`${statement} where ${which} returning id`, values)).length;
  }
}

/** The next row that is due and that no other relay has; it is locked until the transaction ends. */
export async function claim(query: Query, table: string): Promise<OutboxRow | undefined> {
  // Of a key only the oldest row is due, and a dead one holds the others back.
  const [found] = await query(
    `select ${COLUMNS} from ${table} o where dead_at is null and not_before <= now() and (ordering_key is null
       or not exists (select from ${table} p where p.ordering_key = o.ordering_key and p.id < o.id))
     order by o.id limit 1 for update of o skip locked`,
    [],
  );
  return found && rowOf(found);
}

/** Its task exists. */
export async function done(query: Query, table: string, { id }: OutboxRow): Promise<void> {
  await query(`delete from ${table} where id = $1::text::bigint`, [id]);
}

/** It is tried again after a while, through no fault of its own: the older it is, the later, so that it does not hold up the others. */
export async function waits(
  query: Query,
  table: string,
  { id }: OutboxRow,
  error: string,
  seconds: number,
): Promise<void> {
  const age = `least(interval '1 minute', (now() - created_at) / 4)`;
  const next = `clock_timestamp() + greatest(make_interval(secs => ${Number(seconds)}), ${age})`;
  await query(`update ${table} set last_error = $1::text, not_before = ${next} where id = $2::text::bigint`, [
    error,
    id,
  ]);
}

/** It failed, and is tried again after a while, or left to a person without a number of seconds. */
export async function failed(
  query: Query,
  table: string,
  { id }: OutboxRow,
  error: string,
  seconds?: number,
): Promise<void> {
  const next =
    seconds === undefined
      ? 'dead_at = clock_timestamp()'
      : `not_before = clock_timestamp() + make_interval(secs => ${Number(seconds)})`;
  const set = `attempts = attempts + 1, last_error = $1::text, ${next}`;
  await query(`update ${table} set ${set} where id = $2::text::bigint`, [error, id]);
}

function rowOf(found: Record<string, unknown>): OutboxRow {
  return {
    id: String(found.id),
    namespace: String(found.namespace),
    name: String(found.name),
    version: String(found.version),
    context: JSON.parse(String(found.context)) as Record<string, unknown>,
    correlationId: String(found.correlation_id),
    options: JSON.parse(String(found.options)) as Record<string, unknown>,
    orderingKey: found.ordering_key === null ? null : String(found.ordering_key),
    attempts: Number(found.attempts),
    lastError: found.last_error === null ? null : String(found.last_error),
    isDead: Boolean(found.is_dead),
  };
}
