/**
 * The database URL that Core gets: it says which process is connected, and lets PostgreSQL notice when that one has gone.
 *
 * `tasker-recovery` takes a worker without a session for dead, by this name, and gives its steps to another. Without the options, PostgreSQL
 * would go on with the last query of a worker that has ended, take the next step for nobody and hide it for the visibility timeout. Names and
 * options are the same in all packages: `xtask/contract/connection-cases`.
 */

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** PostgreSQL cuts names after 63 bytes; the rest of a name takes less than 33 of them. */
const LONGEST_HOST = 30;
const OPTIONS =
  '-c%20client_connection_check_interval%3D250%20-c%20tcp_keepalives_idle%3D10%20-c%20tcp_keepalives_interval%3D5%20-c%20tcp_keepalives_count%3D3';

/** A name that no other start of a worker has. */
export function workerName(host = hostname()): string {
  const safe = host.replaceAll(/[^A-Za-z0-9._-]/g, '').slice(0, LONGEST_HOST) || 'host';
  return `tkw:bun:${safe}:${process.pid}:${randomBytes(4).toString('hex')}`;
}

/** The URL with name and options, unless it has its own. */
export function connectionUrl(url: string, name: string): string {
  let rendered = url;
  for (const [key, value] of [
    ['application_name', name],
    ['options', OPTIONS],
  ] as const) {
    if (url.includes(`?${key}=`) || url.includes(`&${key}=`)) continue;
    rendered += `${rendered.includes('?') ? '&' : '?'}${key}=${value}`;
  }
  return rendered;
}
