/** Everything that can be wrong without Core: handlers, task templates, and whether they fit. The start and `check` share it. */

import { type Handlers, type HandlersOfStart, loadHandlers } from './registry.ts';
import { loadTemplates, missingHandlers, stepsWithoutTimeout, type Template, unusedHandlers } from './templates.ts';

/** What a worker runs. */
export interface Preparation {
  handlers: HandlersOfStart;
  templates: Template[];
  /** Each stops a worker. */
  problems: string[];
  /** None stops it. Show them only without problems: an unused handler is often the consequence of one. */
  warnings: string[];
}

/** Load both and compare them. Never throws. */
export async function prepare(source: Handlers, directory: string): Promise<Preparation> {
  const problems: string[] = [];
  const handlers = await loadHandlers(source, problems);
  const isComplete = !problems.length;
  const templates = loadTemplates(directory, problems);
  const names = [...handlers.keys()];
  // If a module cannot be imported, each of its handlers would seem to be missing.
  if (isComplete) problems.push(...missingHandlers(templates, names));
  const warnings = [...unusedHandlers(templates, names), ...stepsWithoutTimeout(templates)];
  return { handlers, templates, problems, warnings };
}
