/** The components of readiness, as the contract names them. */

import type { TaskerClient } from './client.ts';
import { HEALTH, type HealthComponent } from './contract.ts';
import { databaseAddress, unreachable } from './database.ts';
import type { Worker } from './living.ts';
import type { ServerState } from './server-options.ts';
import type { Settings } from './settings.ts';

const DATABASE_MS = 2000;

/** One component of readiness. */
export interface ComponentHealth {
  name: HealthComponent;
  status: 'ok' | 'failed' | 'unknown' | 'off';
  /** What `/ready` shows: no addresses, no messages of others. */
  detail: string;
  /** More, for the application and its log. */
  cause?: string;
}

/** What is asked. */
export interface Facts {
  mode: 'worker' | 'client';
  state: ServerState;
  settings: Settings;
  client: TaskerClient;
  worker: Worker | undefined;
}

/** Every component, in the contract's order. Never throws. */
export async function components({ mode, state, settings, client, worker }: Facts): Promise<ComponentHealth[]> {
  const server = await client.health();
  const answers = server.healthy ? 'answers' : 'does not answer, or is not healthy';
  const orchestration = row(HEALTH.orchestration, server.healthy, answers, server.detail);
  if (mode === 'client') {
    const off = (name: HealthComponent) => row(name, null, 'this process only creates tasks');
    const own = state === 'draining' ? row(HEALTH.worker, false, 'draining') : off(HEALTH.worker);
    return [own, off(HEALTH.database), orchestration, off(HEALTH.dispatcher), off(HEALTH.templates)];
  }
  if (state !== 'running' || !worker) {
    return Object.values(HEALTH).map((name) =>
      name === HEALTH.orchestration ? orchestration : row(name, false, state),
    );
  }
  const hung = worker.dispatcher.hung();
  // Core's TypeScript package says nothing about its pool, so this asks whether the database accepts connections.
  const problem = await unreachable(settings.database.url, DATABASE_MS);
  const where = databaseAddress(settings.database.url);
  const inFlight = `${worker.dispatcher.inFlight} of ${settings.concurrency} in flight`;
  return [
    row(HEALTH.worker, worker.native.getWorkerStatus().running, worker.workerId),
    row(HEALTH.database, !problem, `accepts ${problem ? 'no ' : ''}connections`, problem ?? where),
    orchestration,
    row(
      HEALTH.dispatcher,
      !hung.length,
      hung.length ? `handlers that hang: ${hung.length}` : inFlight,
      hung.join('; '),
    ),
    row(HEALTH.templates, true, `namespaces ${worker.namespaces.join(', ')}`),
  ];
}

function row(name: HealthComponent, ok: boolean | null, detail: string, cause = ''): ComponentHealth {
  return { name, status: ok === null ? 'off' : ok ? 'ok' : 'failed', detail, ...(cause && { cause }) };
}
