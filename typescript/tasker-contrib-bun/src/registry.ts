/** Handlers by name, from a folder, a list or an object of modules. */

import { resolve } from 'node:path';
import { Glob } from 'bun';
import type { CoreHandler, Handler } from './outcome.ts';
import { isStep } from './steps.ts';
import { folderProblem } from './templates.ts';

/** A folder of modules, or handlers. */
export type Handlers = string | readonly Handler[] | Readonly<Record<string, unknown>>;

/** The handlers of a start by name. A list or an object may get more later, which the running worker does not have. */
export type HandlersOfStart = ReadonlyMap<string, Handler> & { readonly isLate?: (name: string) => boolean };

/** The handlers by name; problems are added to the list. */
export async function loadHandlers(source: Handlers, problems: string[]): Promise<HandlersOfStart> {
  const found = new Map<string, Handler>();
  const add = (value: unknown, where: string) => {
    const name = nameOf(value);
    if (!name) return false;
    const other = found.get(name);
    if (other && other !== value) problems.push(`${where}: handler '${name}' is registered more than once`);
    found.set(name, value as Handler);
    return true;
  };
  if (typeof source === 'string') {
    const folder = resolve(source);
    let files: string[] = [];
    try {
      const glob = new Glob('**/*.{ts,js,mjs}');
      files = [...glob.scanSync({ cwd: folder })]
        .filter((file) => !/\.(test|spec|d)\.[a-z]+$|(^|\/)_/.test(file))
        .sort();
    } catch (error) {
      problems.push(
        `handlers = ${JSON.stringify(source)}: ${folderProblem(error)}; create it, or set handlers to the folder of your handler modules`,
      );
    }
    for (const file of files) {
      try {
        const module = (await import(`${folder}/${file}`)) as Record<string, unknown>;
        for (const value of Object.values(module)) add(value, `${source}/${file}`);
      } catch (error) {
        problems.push(`${source}/${file}: cannot be imported: ${(error as Error).message}`);
      }
    }
  } else {
    const values = Array.isArray(source) ? source : Object.values(source);
    values.forEach((value, index) => {
      if (!add(value, `handlers[${index}]`) && Array.isArray(source)) {
        problems.push(`handlers[${index}] is not a handler: use defineStep, or a class with a static handlerName`);
      }
    });
  }
  const isLate = (name: string) =>
    typeof source !== 'string' && Object.values(source).some((value) => nameOf(value) === name);
  return Object.assign(found, { isLate });
}

/** The name of a handler; none if it is something else. */
export function nameOf(value: unknown): string | undefined {
  if (isStep(value)) return value.name;
  if (typeof value !== 'function') return undefined;
  const { handlerName, prototype } = value as unknown as CoreHandler & { prototype?: { call?: unknown } };
  return typeof handlerName === 'string' && typeof prototype?.call === 'function' ? handlerName : undefined;
}
