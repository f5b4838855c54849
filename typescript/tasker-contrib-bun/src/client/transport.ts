/** Requests to the orchestration server: bounded in number and time, repeated when that can help. */

import { type ClientErrorCode, TaskerClientError } from './errors.ts';
import type { ClientOptions } from './types.ts';

const LONGEST_WAIT = 5000;
/** Codes of errors of `fetch` after which nothing was sent. */
const NOT_SENT = ['ECONNREFUSED', 'ConnectionRefused', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];
const REPEATED: readonly ClientErrorCode[] = ['backpressure', 'unavailable', 'timeout'];

/** A request's body. */
export type Body = Record<string, unknown>;

/** What a call may have besides method and path. */
export interface CallOptions {
  body?: Body;
  /** Counts answers that did not arrive: the server may have done what it was asked. */
  lost?: { answers: number };
  signal?: AbortSignal | undefined;
}

/** So many requests at a time; more wait. */
class Slots {
  #inFlight = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(readonly count: number) {}

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inFlight >= this.count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#inFlight++;
    try {
      return await work();
    } finally {
      // The slot goes straight to the next in line.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#inFlight--;
    }
  }
}

/** The client's way to the server. */
export class Transport {
  readonly #options: ClientOptions;
  readonly #slots: Slots;

  constructor(
    readonly url: string,
    options: ClientOptions,
    slots = new Slots(options.maxConcurrency ?? 16),
  ) {
    this.#options = options;
    this.#slots = slots;
  }

  /** The same slots, with another timeout for each request. */
  withTimeout(timeoutMs: number): Transport {
    return new Transport(this.url, { ...this.#options, timeoutMs }, this.#slots);
  }

  /** One call with its repetitions. @throws {@link TaskerClientError} */
  async call<T>(operation: string, method: string, path: string, options: CallOptions = {}): Promise<T> {
    const { maxRetries = 3, timeoutMs = 30_000, onCall } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const failure = await this.#slots.take(async () => {
        try {
          const timeout = AbortSignal.timeout(timeoutMs);
          const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
          const response = await this.fetch(method, path, options.body, signal);
          if (response.ok) return { value: parsed<T>(await response.text(), response, this.url + path) };
          return failed(response, await response.text());
        } catch (error) {
          options.signal?.throwIfAborted();
          if (error instanceof TaskerClientError) return error;
          const timedOut = error instanceof Error && error.name === 'TimeoutError';
          return timedOut
            ? new TaskerClientError('timeout', `${method} ${this.url}${path}: no answer within ${timeoutMs} ms`)
            : new TaskerClientError(
                'unavailable',
                `${method} ${this.url}${path}: ${reason(error)}. Is the orchestration server running there?${throughProxy(this.url)}`,
                undefined,
                undefined,
                { cause: error },
              );
        }
      });
      if (!(failure instanceof TaskerClientError)) {
        onCall?.(operation, 'ok');
        return failure.value;
      }
      // First creations of a template at the same time get in each other's way on the server, and it answers 500. A creation
      // can be repeated: the same context exists once only.
      const isCreation = options.lost !== undefined;
      const again = REPEATED.includes(failure.code) || (isCreation && failure.code === 'server');
      if (!again || attempt >= maxRetries) {
        onCall?.(operation, failure.code);
        throw failure;
      }
      if (options.lost && mayHaveArrived(failure)) options.lost.answers++;
      const backoff = 100 * 2 ** attempt * (0.5 + Math.random());
      const wanted = failure.retryAfter === undefined ? backoff : failure.retryAfter * 1000;
      await sleep(Math.min(wanted, LONGEST_WAIT), options.signal);
    }
  }

  fetch(method: string, path: string, body: Body | undefined, signal: AbortSignal): Promise<Response> {
    const { token, apiKey, apiKeyHeader = 'X-API-Key', fetch: send = fetch } = this.#options;
    const headers: Record<string, string> = {};
    if (body) headers['content-type'] = 'application/json';
    if (token) headers.authorization = `Bearer ${token}`;
    else if (apiKey) headers[apiKeyHeader] = apiKey;
    const init = body ? { body: JSON.stringify(body) } : {};
    return send(new Request(this.url + path, { method, headers, signal, ...init }));
  }
}

function parsed<T>(text: string, { status }: Response, url: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new TaskerClientError(
      'server',
      `${url} answers with something that is not JSON: is it Tasker's server?`,
      status,
    );
  }
}

/** Bun sends requests to this machine through a proxy, too, and no option of `fetch` prevents it. */
function throughProxy(url: string): string {
  const { hostname } = new URL(url);
  if (!/^(localhost|127\..*|\[::1\])$/.test(hostname)) return '';
  const name = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'].find((variable) => process.env[variable]);
  return name ? ` ${name} is set, so the request went through that proxy: add ${hostname} to NO_PROXY.` : '';
}

function failed(response: Response, text: string): TaskerClientError {
  const { status } = response;
  let message = text.trim();
  try {
    message = (JSON.parse(text) as { error: { message: string } }).error.message;
  } catch {
    // The server's own layers answer with plain text.
  }
  const codes: Record<number, ClientErrorCode> = {
    400: 'validation',
    401: 'unauthorized',
    403: 'unauthorized',
    404: 'not_found',
    408: 'timeout',
    409: 'conflict',
    415: 'validation',
    422: 'validation',
    429: 'backpressure',
    502: 'unavailable',
    503: 'backpressure',
    504: 'unavailable',
  };
  const header = response.headers.get('retry-after');
  const after = header === null ? undefined : retryAfter(header);
  const what = message || response.statusText || 'no explanation';
  return new TaskerClientError(codes[status] ?? 'server', `the server answered ${status}: ${what}`, status, after);
}

/** Whether the server may have done what it was asked, although there was no answer. */
function mayHaveArrived({ code, cause }: TaskerClientError): boolean {
  return code !== 'backpressure' && !NOT_SENT.includes(String((cause as { code?: unknown } | undefined)?.code));
}

/** Seconds of a Retry-After header, which is a number or a date. */
function retryAfter(header: string): number | undefined {
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

/** The message of what was thrown. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Waits; an aborted signal ends it with its reason. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
