/** Settings, task templates and handlers, as the start of a worker checks them, with all findings at once. */

import { TaskerConfigError } from '../errors.ts';
import { prepare } from '../preparation.ts';
import { resolveSettings } from '../settings.ts';
import { CliProblem } from './problem.ts';

/** Where handlers are looked for, relative to the working directory: the generators put them there. */
export const HANDLERS = 'src/handlers';

/**
 * A line for each warning, then a summary.
 *
 * @throws {@link CliProblem} with every finding.
 */
export async function check(folder: string, templates: string | undefined): Promise<string> {
  const settingsProblems: string[] = [];
  let directory = templates ?? process.env.TASKER_TEMPLATE_PATH ?? 'config/tasks';
  try {
    const settings = resolveSettings(templates === undefined ? {} : { templates });
    directory = settings.templates;
    settingsProblems.push(...settings.workerProblems);
  } catch (error) {
    if (!(error instanceof TaskerConfigError)) throw error;
    settingsProblems.push(...error.problems);
  }
  const found = await prepare(folder, directory);
  const problems = [...settingsProblems, ...found.problems];
  if (problems.length) throw new CliProblem(`${problems.join('\nerror: ')}\n${count(problems.length, 'error')}`);
  return [
    ...found.warnings.map((warning) => `warning: ${warning}`),
    `${count(found.templates.length, 'template')}, ${count(found.handlers.size, 'handler')}, settings: no errors, ${count(found.warnings.length, 'warning')}`,
  ].join('\n');
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
