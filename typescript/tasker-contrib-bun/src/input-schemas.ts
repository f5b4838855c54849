/** The `input_schema` of local templates. Core stores them, and never checks a context against them. */

import { existsSync } from 'node:fs';
import { Validator } from '@cfworker/json-schema';
import { TaskerClientError } from './client/errors.ts';
import { loadTemplates } from './templates.ts';

type Identity = { name: string; namespace: string; version: string };

/**
 * Checks contexts before tasks are created. The templates are read at the first check.
 *
 * @example
 * ```ts
 * const client = createClient({ checkContext: new InputSchemas('config/tasks').check });
 * ```
 */
export class InputSchemas {
  readonly #directory: string;
  #validators: Map<string, Validator> | undefined;

  /** @param directory - of the task templates; nothing is checked when it does not exist. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws {@link TaskerClientError} `validation`: every place that does not fit; nothing was sent. */
  readonly check = (task: Identity, context: Record<string, unknown>): void => {
    this.#validators ??= this.#load();
    const id = key(task);
    // What is sent is JSON: dates are texts there, and undefined is left out.
    const result = this.#validators.get(id)?.validate(JSON.parse(JSON.stringify(context)));
    if (!result || result.valid) return;
    const inner = result.errors.filter((error) => !['properties', 'items', '$ref'].includes(error.keyword));
    const problems = inner.map(({ instanceLocation, error }) => `${place(instanceLocation)}: ${error}`);
    throw new TaskerClientError(
      'validation',
      `the context does not match the input_schema of ${id}: ${[...new Set(problems)].join(' ')}`,
    );
  };

  #load(): Map<string, Validator> {
    if (!existsSync(this.#directory)) return new Map();
    // Problems of templates are the worker's to report, at its start.
    const templates = loadTemplates(this.#directory, []);
    return new Map(
      templates
        .filter((template) => template.inputSchema)
        .map((template) => [key(template), new Validator(template.inputSchema ?? {}, '2020-12', false)]),
    );
  }
}

function key({ namespace, name, version }: Identity): string {
  return `${namespace}/${name} ${version}`;
}

/** `#/lines/0` → `lines.0`. */
function place(location: string): string {
  return location.replace(/^#\/?/, '').replaceAll('/', '.') || '(context)';
}
