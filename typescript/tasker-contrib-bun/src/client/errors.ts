/** What calls of the client fail with. */

/** What went wrong, for programs. */
export type ClientErrorCode =
  | 'validation'
  | 'unauthorized'
  | 'not_found'
  | 'conflict'
  | 'backpressure'
  | 'unavailable'
  | 'timeout'
  | 'server';

/** A call failed. `code` says how; `status` is the HTTP status if there was an answer. */
export class TaskerClientError extends Error {
  override readonly name = 'TaskerClientError';

  constructor(
    readonly code: ClientErrorCode,
    message: string,
    readonly status?: number,
    /** Seconds after which the server wants to be asked again. */
    readonly retryAfter?: number,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
