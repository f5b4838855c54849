/** Settings, task templates and handlers, as the start of a worker checks them, with all findings at once. */

import { TaskerConfigError } from '../errors.ts';
import { loadHandlers } from '../registry.ts';
import { resolveSettings } from '../settings.ts';
import { compare, loadTemplates } from '../templates.ts';
import { CliProblem } from './problem.ts';

/** One line for what was found to be right. @throws {@link CliProblem} with every finding. */
export async function check(folder: string, templates: string | undefined): Promise<string> {
  const problems: string[] = [];
  let directory = templates ?? process.env.TASKER_TEMPLATE_PATH ?? 'config/tasks';
  try {
    directory = resolveSettings(templates === undefined ? {} : { templates }).templates;
  } catch (error) {
    if (!(error instanceof TaskerConfigError)) throw error;
    problems.push(...error.problems);
  }
  const found = loadTemplates(directory, problems);
  const handlers = await loadHandlers(folder, problems);
  compare(found, [...handlers.keys()], problems);
  if (problems.length) {
    throw new CliProblem(`${problems.join('\nerror: ')}\n${problems.length} error(s)`);
  }
  return `${found.length} template(s), ${handlers.size} handler(s), settings: all fit`;
}
