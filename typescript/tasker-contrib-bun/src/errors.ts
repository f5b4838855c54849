/** Errors of this package. None of them needs the native module. */

/**
 * An error whose message is all that helps. Before an uncaught error with a stack Bun prints an excerpt of the source, here
 * of this package.
 */
abstract class WithoutStack extends Error {
  constructor(message: string) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
  }
}

/** A setting, a template or a handler is wrong; nothing was started. The message says what, where and the fix. */
export class TaskerConfigError extends WithoutStack {
  override readonly name: string = 'TaskerConfigError';
  /** Every problem, one message each. */
  declare readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.length === 1 ? `${problems[0]}` : problems.map((problem) => `- ${problem}`).join('\n'));
    // Bun prints the properties of an uncaught error that can be enumerated; the message has these.
    Object.defineProperty(this, 'problems', { value: problems, enumerable: false });
  }
}

/** The worker cannot start, or not in this state. */
export class TaskerStartError extends WithoutStack {
  override readonly name: string = 'TaskerStartError';
}

/**
 * Thrown by a handler: the step fails for good.
 *
 * @example
 * ```ts
 * throw new PermanentError('the order is empty', { code: 'EMPTY' });
 * ```
 */
export class PermanentError extends Error {
  override readonly name: string = 'PermanentError';
  readonly code: string | undefined;
  readonly metadata: Record<string, unknown>;

  constructor(message: string, options: { code?: string; metadata?: Record<string, unknown>; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = options.code;
    this.metadata = options.metadata ?? {};
  }
}

/** Thrown by a handler: trying again may help. `retryAfter` is in seconds; without it the template's back-off counts. */
export class RetryableError extends Error {
  override readonly name: string = 'RetryableError';
  readonly code: string | undefined;
  readonly retryAfter: number | undefined;
  readonly metadata: Record<string, unknown>;

  constructor(
    message: string,
    options: { retryAfter?: number; code?: string; metadata?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = options.code;
    this.retryAfter = options.retryAfter;
    this.metadata = options.metadata ?? {};
  }
}
