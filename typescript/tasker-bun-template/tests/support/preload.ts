/** Ends what tests have started, after the last of them. */

import { afterAll } from 'bun:test';
import { killProcesses } from './processes.ts';
import { stopStack } from './stack.ts';
import { PATIENCE } from './until.ts';

afterAll(async () => {
  killProcesses();
  await stopStack();
}, PATIENCE);
