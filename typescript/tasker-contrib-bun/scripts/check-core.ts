/**
 * Compares what this package assumes of Core with a checkout: the native module's functions and types by the compiler, the
 * classes that the double has by name. Part of `cargo xtask core check`.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as double from '../tests/double/core.ts';

const [checkout] = process.argv.slice(2);
if (!checkout) {
  console.error(
    'usage: bun scripts/check-core.ts FOLDER, the folder of @tasker-systems/tasker in a checkout of Tasker Core',
  );
  process.exit(2);
}
const root = join(import.meta.dir, '..');
const problems: string[] = [];

const sources = readdirSync(join(checkout, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(checkout, 'src', file), 'utf8'))
  .join('\n');
for (const [name, value] of Object.entries(double)) {
  if (typeof value !== 'function') continue;
  if (!new RegExp(`export (abstract )?class ${name}\\b`).test(sources)) problems.push(`Core has no class ${name}`);
}

const folder = mkdtempSync(join(root, 'node_modules/.check-core-'));
try {
  const native = JSON.stringify('../../src/native.ts');
  writeFileSync(
    join(folder, 'check.ts'),
    `import type * as core from ${JSON.stringify(join(checkout, 'index.d.ts'))};
import type { NativeDomainEvent, NativeModule, NativeStep } from ${native};
type Functions = { [K in keyof NativeModule]: K extends keyof typeof core ? (typeof core)[K] : never };
export const missing: Exclude<keyof NativeModule, keyof typeof core> extends never ? true : 'Core lacks a function' = true;
export const step = (event: core.NapiStepEvent): NativeStep => event;
export const domainEvent = (event: core.NapiDomainEvent): NativeDomainEvent => event;
export const boot = (functions: Functions): ReturnType<NativeModule['bootstrapWorker']> => functions.bootstrapWorker({});
export const status = (functions: Functions): { running: boolean } => functions.getWorkerStatus();
export const completion: core.NapiStepExecutionResult = {
  stepUuid: '', success: false, result: {}, status: 'error',
  metadata: { executionTimeMs: 1, workerId: 'w', completedAt: '', retryable: true, custom: {}, errorType: 'x', errorCode: 'y' },
  error: { message: '', errorType: 'x', retryable: true, backtrace: [] },
  orchestrationMetadata: { headers: {}, custom: {} },
};
export const checkpoint: core.NapiCheckpointYieldData = { stepUuid: '', cursor: 1, itemsProcessed: 1, accumulatedResults: {} };
`,
  );
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', include: ['*.ts'] }));
  const tsc = Bun.spawnSync([join(root, 'node_modules/.bin/tsc'), '-p', folder]);
  if (tsc.exitCode !== 0) problems.push(tsc.stdout.toString().trim());
} finally {
  rmSync(folder, { recursive: true, force: true });
}

for (const problem of problems) console.error(`the double and Core differ: ${problem}`);
if (!problems.length) console.log('the double has what Core has');
process.exit(problems.length ? 1 : 0);
