/** Typed events. A subscriber that fails is logged and disturbs nothing. */

import type { EventBase, EventData } from './contract.ts';

/** Names of the events. */
export type EventName = keyof EventData;

/** An event with its name: what `on` gives and what the iterator yields. */
export type TaskerEvent<N extends EventName = EventName> = {
  [K in N]: { name: K } & EventBase & EventData[K];
}[N];

type Listener = (event: TaskerEvent) => unknown;

const QUEUE = 1000;
const ALIVE_MS = 5000;
/** Events as text for the streams: encoded once for all clients. */
const frames = new WeakMap<TaskerEvent, Uint8Array>();

/**
 * Subscribe to what the worker does.
 *
 * @example
 * ```ts
 * const off = server.events.on('step:failed', (event) => console.log(event.step, event.message));
 * for await (const event of server.events.stream(['step:completed'])) console.log(event.durationMs);
 * ```
 */
export class TaskerEvents {
  readonly #listeners = new Map<EventName | '*', Set<Listener>>();

  /** Call the listener for each event of this name, or of every name with `*`. Returns a function that unsubscribes it. */
  on<N extends EventName>(name: N | '*', listener: (event: TaskerEvent<N>) => unknown): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener as unknown as Listener);
    return () => {
      listeners.delete(listener as unknown as Listener);
    };
  }

  /**
   * The events as an async iterator, from now on; it ends with `signal`. A reader that falls behind by more than 1000
   * events loses the oldest ones.
   */
  stream<N extends EventName = EventName>(
    names: readonly N[] = [],
    signal?: AbortSignal,
  ): AsyncIterableIterator<TaskerEvent<N>> {
    const queue: TaskerEvent<N>[] = [];
    let wake: (() => void) | undefined;
    let ended = signal?.aborted ?? false;
    const off = this.on('*', (event) => {
      if (names.length && !names.includes(event.name as N)) return;
      if (queue.length >= QUEUE) queue.shift();
      queue.push(event as unknown as TaskerEvent<N>);
      wake?.();
    });
    const end = () => {
      ended = true;
      off();
      wake?.();
    };
    if (ended) off();
    else signal?.addEventListener('abort', end, { once: true });
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        for (;;) {
          const value = queue.shift();
          if (value) return { value, done: false };
          if (ended) return { value: undefined, done: true };
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      },
      async return() {
        signal?.removeEventListener('abort', end);
        end();
        return { value: undefined, done: true };
      },
    };
  }

  /** @internal Subscriptions that have not ended. */
  get listeners(): number {
    return [...this.#listeners.values()].reduce((sum, listeners) => sum + listeners.size, 0);
  }

  /** @internal */
  emit<N extends EventName>(name: N, data: EventData[N], base: Partial<EventBase> = {}): void {
    const empty = { taskUuid: null, stepUuid: null, step: null, namespace: null, correlationId: null };
    const event = { name, ...empty, ...base, at: new Date().toISOString(), ...data } as TaskerEvent;
    for (const key of [name, '*'] as const) {
      for (const listener of this.#listeners.get(key) ?? []) {
        try {
          const result = listener(event);
          if (result instanceof Promise) result.catch((error) => complain(name, error));
        } catch (error) {
          complain(name, error);
        }
      }
    }
  }

  /**
   * The events as server-sent events, for `EventSource`. `?names=step:failed,step:completed` chooses. The answer ends
   * with the request or with `signal`.
   *
   * @param aliveMs - milliseconds between comments that keep a silent connection open. Default: 5000, half of Bun's limit.
   */
  sse(request: Request, signal?: AbortSignal, aliveMs = ALIVE_MS): Response {
    const names = new URL(request.url).searchParams.get('names')?.split(',').filter(Boolean) as EventName[] | undefined;
    const ending = signal ? AbortSignal.any([request.signal, signal]) : request.signal;
    const events = this.stream(names ?? [], ending);
    const text = new TextEncoder();
    let alive: ReturnType<typeof setInterval> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        // Sends the headers at once, and lets a proxy know that the stream is alive.
        controller.enqueue(text.encode(': open\n\n'));
        alive = setInterval(() => controller.enqueue(text.encode(': alive\n\n')), aliveMs);
      },
      async pull(controller) {
        const { value, done } = await events.next();
        if (!done) return controller.enqueue(frame(value));
        clearInterval(alive);
        controller.close();
      },
      async cancel() {
        clearInterval(alive);
        await events.return?.();
      },
    });
    return new Response(body, {
      headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
    });
  }
}

function frame(event: TaskerEvent): Uint8Array {
  const made =
    frames.get(event) ?? new TextEncoder().encode(`event: ${event.name}\ndata: ${JSON.stringify(event)}\n\n`);
  frames.set(event, made);
  return made;
}

function complain(name: string, error: unknown): void {
  console.error(`tasker: a subscriber of ${name} failed: ${error instanceof Error ? error.message : error}`);
}
