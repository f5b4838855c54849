/**
 * Breaks every generated handler and requires that its test notices: in a copy of the project each handler throws
 * before it does anything. A test file that still passes tests nothing.
 */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const scratch = mkdtempSync(join(import.meta.dir, '../broken-'));
const unaware: string[] = [];
let broken = 0;
try {
  const copy = join(scratch, 'project');
  cpSync(import.meta.dir, copy, { recursive: true });
  const handlers = join(copy, 'src/handlers');
  for (const file of readdirSync(handlers).filter((name) => name.endsWith('.ts'))) {
    const source = readFileSync(join(handlers, file), 'utf8');
    const text = source.replaceAll(/^(export const .* => \{)$/gm, "$1\n  if (Math.PI > 3) throw new Error('on purpose');");
    if (text === source) continue;
    broken += 1;
    writeFileSync(join(handlers, file), text);
    const test = `tests/${file.replace('.ts', '.test.ts')}`;
    const run = Bun.spawnSync([process.execPath, 'test', `./${test}`], { cwd: copy, stdout: 'ignore', stderr: 'ignore' });
    if (run.exitCode === 0) unaware.push(test);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const test of unaware) console.log(`${test} passes although its handlers are broken`);
console.log(`${broken} broken modules, ${unaware.length} unnoticed`);
process.exit(broken === 0 ? 1 : unaware.length);
