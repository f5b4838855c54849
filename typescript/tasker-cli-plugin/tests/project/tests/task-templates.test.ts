/** Every generated task template is one that runs as it is written. */

import { expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { matchers, runWorkflow } from 'tasker-contrib-bun/testing';

expect.extend(matchers);

const folder = join(import.meta.dir, '../config/tasks');
const files = existsSync(folder) ? readdirSync(folder) : [];

test('task templates are right', async () => {
  for (const file of files) {
    const template = Bun.YAML.parse(readFileSync(join(folder, file), 'utf8')) as {
      steps: { handler: { callable: string } }[];
    };
    const handlers = Object.fromEntries(template.steps.map((step) => [step.handler.callable, () => ({})]));
    expect(await runWorkflow(template, { handlers })).toCompleteWorkflow();
  }
});
