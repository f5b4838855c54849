/** Creates the tasks of an outbox. */

import { type CreateTaskOptions, type Task, type TaskerClient, TaskerClientError } from '../client.ts';
import { pause } from '../pause.ts';
import { messageOf } from '../storable.ts';
import { claim, done, failed, type OutboxRow, waits } from './rows.ts';
import { checkedTable, TABLE, type Transactional, transaction } from './sql.ts';

const LONGEST_WAIT = 60;
// A worker that registers the template may start after the application, and Core answers 404 while its database is away, too. With the
// waits between them these are about a quarter of an hour.
const NOT_FOUND_ATTEMPTS = 20;
const FIX =
  'discard the row if that task will do. To run it again, put something unique into the context; ' +
  "onConflict: 'ignore' is content with the other task";

/** Options of {@link OutboxRelay}. */
export interface OutboxRelayOptions {
  /** Default: `tasker_outbox`. */
  table?: string;
  /** Milliseconds between two looks at an empty table. Default: 1000. */
  pollMs?: number;
  /** Called with each task that was created, after its row is gone. */
  onCreated?: (task: Task) => void;
  /** Called with a line for each row that has to wait, or is dead. Default: the console. */
  log?: (level: 'warn' | 'error', line: string) => void;
}

/** What becomes of a row: its task, or an error with the seconds to wait; without them it is dead. */
type Outcome = { task: Task | undefined } | { error: string; seconds?: number; pause?: boolean };

/** What one turn did. */
type Turn = 'nothing' | 'row' | { pauseSeconds: number };

/** Creates the tasks of an outbox; the module has an example. Any number of relays may work on one table. */
export class OutboxRelay {
  readonly #sql: Transactional;
  readonly #client: TaskerClient;
  readonly #options: OutboxRelayOptions;
  readonly #table: string;
  readonly #log: NonNullable<OutboxRelayOptions['log']>;
  #stopping = new AbortController();
  #running: Promise<void> | undefined;

  /** @param client - give it `maxRetries: 0`: the row is tried again. */
  constructor(sql: Transactional, client: TaskerClient, options: OutboxRelayOptions = {}) {
    this.#sql = sql;
    this.#client = client;
    this.#options = options;
    this.#table = checkedTable(options.table ?? TABLE);
    this.#log = options.log ?? ((level, line) => console[level](line));
  }

  /** Begin. A relay that runs goes on. */
  start(): void {
    this.#running ??= this.#run(this.#stopping.signal);
  }

  /** Finish the row in hand, then end. What is left stays in the table. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#running = undefined;
    this.#stopping = new AbortController();
  }

  /** Relay what is due now; how many tasks were created. */
  async relayAll(): Promise<number> {
    let created = 0;
    for (;;) {
      const turn = await this.#turn(() => created++);
      if (turn !== 'row') return created;
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      let wait = 0;
      try {
        const turn = await this.#turn();
        failures = typeof turn === 'object' ? failures + 1 : 0;
        if (turn === 'nothing') wait = this.#options.pollMs ?? 1000;
        else if (typeof turn === 'object') wait = Math.max(turn.pauseSeconds, backoff(failures)) * 1000;
      } catch (error) {
        failures++;
        wait = backoff(failures) * 1000;
        this.#log('error', `the outbox cannot be read: ${messageOf(error)}`);
      }
      await pause(wait, signal);
    }
  }

  /** One row in a transaction of its own, so that a stop has one row in hand. */
  async #turn(onRow: () => void = () => {}): Promise<Turn> {
    const told: Task[] = [];
    const turn = await transaction<Turn>(this.#sql, async (query) => {
      const row = await claim(query, this.#table);
      if (!row) return 'nothing';
      const outcome = await deliver(this.#client, row);
      if ('task' in outcome) {
        await done(query, this.#table, row);
        onRow();
        if (outcome.task) told.push(outcome.task);
        return 'row';
      }
      if (outcome.pause) await waits(query, this.#table, row, outcome.error, outcome.seconds ?? 0);
      else await failed(query, this.#table, row, outcome.error, outcome.seconds);
      const name = `outbox row ${row.id} (${row.namespace}/${row.name} ${row.version})`;
      if (outcome.seconds === undefined) this.#log('error', `${name} is dead: ${outcome.error}`);
      else this.#log('warn', `${name} waits ${outcome.seconds.toFixed(0)} s: ${outcome.error}`);
      return outcome.pause ? { pauseSeconds: outcome.seconds ?? 0 } : 'row';
    });
    for (const task of told) this.#tell(task);
    return turn;
  }

  #tell(task: Task): void {
    try {
      this.#options.onCreated?.(task);
    } catch (error) {
      this.#log('error', `onCreated failed for task ${task.task_uuid}: ${messageOf(error)}`);
    }
  }
}

async function deliver(client: TaskerClient, row: OutboxRow): Promise<Outcome> {
  const ignores = row.options.on_conflict === 'ignore';
  let task: Task;
  try {
    task = await client.createTask(row.name, row.context, { ...optionsOf(row), idempotent: !ignores });
  } catch (error) {
    return ignores && error instanceof TaskerClientError && error.code === 'conflict'
      ? { task: undefined }
      : refused(row, error);
  }
  if (task.correlation_id === row.correlationId) return { task };
  const other = `task ${task.task_uuid} has the same template and the same context, and was created by somebody else`;
  return { error: `${other}; ${FIX}` };
}

function refused(row: OutboxRow, error: unknown): Outcome {
  const message = messageOf(error);
  const seconds = backoff(row.attempts + 1);
  // Perhaps of a newer version of the application: another relay may understand the row.
  if (!(error instanceof TaskerClientError)) return { error: message, seconds };
  switch (error.code) {
    case 'unavailable':
    case 'timeout':
    case 'backpressure':
    case 'unauthorized':
      // It concerns every row.
      return { error: message, seconds: Math.max(error.retryAfter ?? 0, seconds), pause: true };
    case 'server':
      return { error: message, seconds };
    case 'not_found':
      if (row.attempts + 1 < NOT_FOUND_ATTEMPTS) return { error: message, seconds };
      return { error: `${message} (${NOT_FOUND_ATTEMPTS} tries)` };
    case 'conflict':
      return { error: `${message}. It cannot be told whether this row created it; ${FIX}` };
    default:
      return { error: message };
  }
}

function optionsOf({ namespace, version, correlationId, options }: OutboxRow): CreateTaskOptions {
  const { initiator, source_system, reason, priority, tags, parent_correlation_id } = options;
  const given = {
    namespace,
    version,
    correlationId,
    initiator,
    sourceSystem: source_system,
    reason,
    priority,
    tags,
    parentCorrelationId: parent_correlation_id,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as CreateTaskOptions;
}

/** Seconds to wait after a number of failures; spread, so that relays do not meet again. */
function backoff(failures: number): number {
  return Math.min(2 ** (failures - 1), LONGEST_WAIT) * (0.5 + Math.random() / 2);
}
