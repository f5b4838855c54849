/**
 * Breaks every generated module and requires that its test notices: in a copy of the project each exported function
 * throws before it does anything. A test file that still passes tests nothing.
 */

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The heads of handlers, of those of workflows, and of other functions. */
const HEAD = /^(export const .* => \{| {2}async \(.*\) => \{|export function .* \{)$/gm;

const scratch = mkdtempSync(join(import.meta.dir, '../broken-'));
const broken = new Set<string>();
const passing = new Set<string>();
try {
  const copy = join(scratch, 'project');
  cpSync(import.meta.dir, copy, { recursive: true });
  for (const folder of ['src', 'src/handlers', 'src/subscribers']) {
    for (const file of readdirSync(join(copy, folder)).filter((name) => name.endsWith('.ts'))) {
      const place = join(copy, folder, file);
      const source = readFileSync(place, 'utf8');
      const text = source.replaceAll(HEAD, "$1\n  if (Math.PI > 3) throw new Error('on purpose');");
      if (text === source) continue;
      broken.add(`tests/${file.replace('.ts', '.test.ts')}`);
      writeFileSync(place, text);
    }
  }
  const report = join(scratch, 'report.xml');
  const command = [process.execPath, 'test', 'tests', '--reporter=junit', `--reporter-outfile=${report}`];
  Bun.spawnSync(command, { cwd: copy, stdout: 'ignore', stderr: 'ignore' });
  // A file that cannot even be loaded is in no report, and has noticed.
  const xml = existsSync(report) ? readFileSync(report, 'utf8') : '';
  for (const [suite] of xml.matchAll(/<testsuite [^>]*>/g)) {
    const value = (name: string) => new RegExp(` ${name}="([^"]*)"`).exec(suite)?.[1] ?? '';
    if (value('failures') === '0' && value('tests') !== '0') passing.add(value('file') || value('name'));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const unaware = [...broken].filter((test) => passing.has(test));
for (const test of unaware) console.log(`${test} passes although its module is broken`);
console.log(`${broken.size} broken modules, ${unaware.length} unnoticed`);
process.exit(broken.size === 0 ? 1 : unaware.length);
