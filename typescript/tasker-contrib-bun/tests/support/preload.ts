import { afterAll, setDefaultTimeout } from 'bun:test';
import { stopStack } from './stack.ts';

// A loaded machine is no reason to fail; what must be quick says so itself.
setDefaultTimeout(60_000);
afterAll(stopStack);
