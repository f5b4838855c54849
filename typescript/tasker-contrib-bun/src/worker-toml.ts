/** Settings → Core's complete file. */

import type { Value } from './config-value.ts';
import { connectionUrl, workerName } from './connection.ts';
import { CONFIG_KEYS, CORE_VERSION, OPTIONAL_SECTIONS } from './contract.ts';
import { CLIENT, type Settings } from './settings.ts';

const DELIVERY = 'worker.event_systems.worker.deployment_mode';

/**
 * The complete file for Core, with literal values only: no placeholder means nothing that Core could refuse.
 *
 * @param name what the worker's sessions are called; each start has its own
 */
export function workerToml(settings: Settings, name = workerName()): string {
  const { core, orchestration } = settings;
  const wanted = (section: string) =>
    section === CLIENT || [...core.keys()].some((path) => path.startsWith(`${section}.`));
  const values = new Map<string, Value>();
  for (const [path, key] of Object.entries(CONFIG_KEYS)) {
    if (path.startsWith('orchestration.')) continue;
    if (Object.keys(OPTIONAL_SECTIONS).some((section) => path.startsWith(`${section}.`) && !wanted(section))) continue;
    values.set(path, core.get(path) ?? key.default);
  }
  for (const [path, value] of values)
    if (isDatabase(path) && value) values.set(path, connectionUrl(String(value), name));
  // Two workers of a namespace would run steps twice with Core's notifications.
  if (!core.has(DELIVERY)) values.set(DELIVERY, 'PollingOnly');
  if (orchestration.token) {
    values.set(`${CLIENT}.auth.type`, 'bearer');
    values.set(`${CLIENT}.auth.token`, orchestration.token);
  } else if (orchestration.apiKey) {
    values.set(`${CLIENT}.auth.type`, 'api_key');
    values.set(`${CLIENT}.auth.key`, orchestration.apiKey);
    values.set(`${CLIENT}.auth.header_name`, 'X-API-Key');
  }
  const sections = new Map<string, string[]>();
  for (const [path, value] of values) {
    const dot = path.lastIndexOf('.');
    const section = path.slice(0, dot);
    const lines = sections.get(section) ?? [];
    const isFloat = CONFIG_KEYS[path]?.type === 'float';
    lines.push(`${path.slice(dot + 1)} = ${literal(value, isFloat)}`);
    sections.set(section, lines);
  }
  const body = [...sections].map(([section, lines]) => `[${section}]\n${lines.join('\n')}\n`);
  return `# Configuration of a Tasker ${CORE_VERSION} worker, rendered by tasker-contrib-bun.\n\n${body.join('\n')}`;
}

function isDatabase(path: string): boolean {
  return CONFIG_KEYS[path]?.pattern?.startsWith('database_url') ?? false;
}

function literal(value: unknown, isFloat: boolean): string {
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, isFloat)).join(', ')}]`;
  if (typeof value === 'number') return isFloat && Number.isInteger(value) ? `${value}.0` : String(value);
  if (typeof value === 'boolean') return String(value);
  // Core replaces ${NAME} in the raw text of the file, so no dollar sign may be seen there.
  return JSON.stringify(String(value)).replaceAll('\x7f', '\\u007f').replaceAll('$', '\\u0024');
}
