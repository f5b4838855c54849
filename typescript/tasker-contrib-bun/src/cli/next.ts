/** What to do after a generator. */

import { YAML } from 'bun';
import { callableLine } from '../templates.ts';
import type { RenderedFile } from './place.ts';

const CLI = 'bunx tasker-contrib-bun';

/** What is still missing, ready to copy: no template calls a new handler, and a new template has no handlers. */
export function afterGenerate(what: string, files: readonly RenderedFile[]): string {
  const [main] = files.filter(({ path }) => /^(src|config)\//.test(path));
  if (!main) return '';
  if (what === 'handler') return afterHandler(main);
  return what === 'template'
    ? afterTemplate(main)
    : `\nNext: give the schemas of ${main.path} to defineStep as \`results\`.`;
}

function afterHandler({ path, content }: RenderedFile): string {
  const callable = content.match(/^const CALLABLE = '(.+)';$/m)?.[1];
  if (content.includes('type: batch_worker')) {
    return `\nNext: copy the three steps from the comment in ${path} into a task template, then run \`${CLI} check\`.`;
  }
  return callable
    ? `\nNext: give a step of a task template in config/tasks this line, then run \`${CLI} check\`:\n  ${callableLine(callable)}`
    : '';
}

function afterTemplate({ content }: RenderedFile): string {
  const { steps } = YAML.parse(content) as { steps: { handler: { callable: string } }[] };
  const commands = [...new Set(steps.map(({ handler }) => handler.callable))].map((callable) => {
    const [name, namespace] = callable.split('.').reverse();
    return `  ${CLI} generate handler ${name}${namespace ? ` --namespace ${namespace}` : ''}`;
  });
  return `\nNext: make the handlers that its steps call, where there are none yet, then run \`${CLI} check\`:\n${commands.join('\n')}`;
}
