/** What a server takes and reports. */

import type { CutStep } from './dispatcher.ts';
import type { TaskerOptions } from './options.ts';
import type { Outbox } from './outbox/rows.ts';
import type { Handlers } from './registry.ts';

/** What a route gives. */
export type Answer = Response | Promise<Response>;
/** A function that answers a route. */
export type RouteHandler = (request: Bun.BunRequest, server: Bun.Server<undefined>) => Answer;

/** Routes as `Bun.serve` takes them: a response, a function, or one for each method, by path. */
export type Routes = Readonly<
  Record<string, Response | RouteHandler | Partial<Record<Bun.Serve.HTTPMethod, Response | RouteHandler>>>
>;

/** Options of a server, except for `fetch`, which is given the server itself. */
export interface ServerOptions extends TaskerOptions {
  /** Folder of handler modules (relative to the working directory), or a list, or an object of handlers. Default: none. */
  handlers?: Handlers;
  /** 0 takes a free one. Default: `PORT`, else 3000. */
  port?: number;
  /** Default: 127.0.0.1. `HOST` */
  hostname?: string;
  /** Path of health, metrics and the event stream. Default: `/tasker`. */
  prefix?: string;
  /** Routes of `Bun.serve`. Those below the prefix are the server's own. Default: none. */
  routes?: Routes;
  /**
   * Serve `GET /tasker/events`: events of everybody's tasks, with the messages of failures and the data of domain events. A function says who may
   * see them, by the request; `true` lets everybody. Default: false, there is no such path.
   */
  eventStream?: boolean | ((request: Request) => boolean | Promise<boolean>);
  /** The `Outbox` that this process relays, for its metrics. Default: none. */
  outbox?: Outbox;
  /** Stop on SIGTERM and SIGINT; other listeners of the process are called as well. Default: true. */
  signals?: boolean;
}

/** How a worker stopped. */
export interface StopReport {
  /** Steps that were interrupted; Core tries them again. */
  cut: CutStep[];
  /** Steps that were claimed and had not begun; Core tries them again. */
  returned: number;
  /** Seconds. */
  seconds: number;
}

/** `new` → `running` → `draining` → `stopped`. */
export type ServerState = 'new' | 'starting' | 'running' | 'draining' | 'stopped';

/** Names of the options that are not Core's settings. */
export const OWN_OPTIONS: readonly string[] = [
  'handlers',
  'port',
  'hostname',
  'prefix',
  'routes',
  'fetch',
  'eventStream',
  'outbox',
  'signals',
];
