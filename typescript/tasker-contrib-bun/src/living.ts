/** The running server of this process. It survives `bun --hot`, which evaluates modules again while native state stays. */

import type { Dispatcher } from './dispatcher.ts';
import type { TaskerEvents } from './events.ts';
import type { Metrics } from './metrics.ts';
import type { NativeModule } from './native.ts';
import type { ServerState } from './server-options.ts';

/** The native worker and what drives it. */
export interface Worker {
  native: NativeModule;
  dispatcher: Dispatcher;
  workerId: string;
  namespaces: string[];
}

/** The running server as a later evaluation of this module sees it: the two have different classes. */
export interface Living {
  events: TaskerEvents;
  metrics: Metrics;
  /** The worker's whole configuration, to compare with a later one; the name of its sessions is no part of it. */
  configuration: string;
  mode: 'worker' | 'client';
  port: number | undefined;
  state: () => ServerState;
  /** Hand over the worker and the port; this server is then stopped. */
  release: () => { worker: Worker | undefined; http: ReturnType<typeof Bun.serve> | undefined };
}

const CURRENT = Symbol.for('tasker-contrib-bun.current');
const slot = globalThis as { [CURRENT]?: Living | undefined };

/** The server that runs in this process, if one does. */
export function current(): Living | undefined {
  return slot[CURRENT];
}

/** Make this the server of the process. */
export function occupy(living: Living): void {
  slot[CURRENT] = living;
}

/** Forget this server, if it is still the current one. */
export function vacate(living: Living): void {
  if (slot[CURRENT] === living) slot[CURRENT] = undefined;
}
