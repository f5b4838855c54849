/** What the client takes and gives. */

import type { ClientErrorCode } from './errors.ts';

/** A task as the server describes it. Other fields of the server are there as well. */
export interface Task {
  task_uuid: string;
  name: string;
  namespace: string;
  version: string;
  /** The state, such as `steps_in_process` or `complete`; in lists only `pending` and `completed`. */
  status: string;
  context: Record<string, unknown>;
  correlation_id: string;
  created_at: string;
  completed_at: string | null;
  total_steps: number;
  completed_steps: number;
  failed_steps: number;
  in_progress_steps: number;
  execution_status: string;
  completion_percentage: number;
  [field: string]: unknown;
}

/** A step of a task as the server describes it. */
export interface Step {
  step_uuid: string;
  task_uuid: string;
  name: string;
  /** Such as `in_progress`, `waiting_for_retry` or `complete`. */
  current_state: string;
  attempts: number;
  max_attempts: number;
  /** What the last execution left; the handler's result is `results.result`. */
  results: {
    success?: boolean;
    result?: unknown;
    error?: { message: string; error_type?: string; retryable?: boolean; [field: string]: unknown } | null;
    [field: string]: unknown;
  } | null;
  [field: string]: unknown;
}

/** One page of a list. */
export interface TaskPage {
  tasks: Task[];
  page: number;
  perPage: number;
  total: number;
  hasNext: boolean;
}

/** Options of {@link createClient}. */
export interface ClientOptions {
  /** The server. Default: `TASKER_ORCHESTRATION_URL`, else `http://127.0.0.1:8080`. */
  url?: string | undefined;
  /** Bearer token. Default: none. */
  token?: string | undefined;
  /** API key, sent in `apiKeyHeader`. Default: none. */
  apiKey?: string | undefined;
  /** Default: `X-API-Key`. */
  apiKeyHeader?: string | undefined;
  /** Milliseconds for one request. Default: 30000. */
  timeoutMs?: number | undefined;
  /** Repetitions when the server is away or overloaded. Default: 3. */
  maxRetries?: number | undefined;
  /**
   * Requests in flight; more wait. Default: 16. The server holds one database connection per creation and takes a
   * second inside: its pool must be larger than all clients' requests in flight.
   */
  maxConcurrency?: number | undefined;
  /** For tests, and for instrumentation. Default: the global `fetch`. */
  fetch?: ((request: Request) => Promise<Response>) | undefined;
  /** Called after each call with `ok` or the error's code. */
  onCall?: ((operation: string, outcome: 'ok' | ClientErrorCode) => void) | undefined;
  /** Called with the context before a task is created; throw to refuse it. Nothing is checked by default. */
  checkContext?:
    | ((task: { name: string; namespace: string; version: string }, context: Record<string, unknown>) => void)
    | undefined;
}

/** Options of {@link TaskerClient.createTask}. */
export interface CreateTaskOptions {
  /** Default: `default`. */
  namespace?: string;
  /** The template's version, exactly. Default: `1.0.0`. */
  version?: string;
  /** Return the existing task when this template and context were used before. Default: false. */
  idempotent?: boolean;
  /** Who asks for it. Default: `tasker-contrib-bun`. */
  initiator?: string;
  /** Default: `bun`. */
  sourceSystem?: string;
  /** Why, for people. */
  reason?: string;
  /** -100 to 100. */
  priority?: number;
  tags?: string[];
  correlationId?: string;
  parentCorrelationId?: string;
  signal?: AbortSignal;
}

/** Options of {@link TaskerClient.wait}. */
export interface WaitOptions {
  /** Milliseconds. Default: 60000. */
  timeoutMs?: number;
  /** Called whenever the state or the counts changed. */
  onProgress?: (task: Task) => void;
  signal?: AbortSignal;
}

/** States that a task does not leave by itself. */
export const END_STATES: readonly string[] = [
  'complete',
  'error',
  'cancelled',
  'resolved_manually',
  'blocked_by_failures',
];
