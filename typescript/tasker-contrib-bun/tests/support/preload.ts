import { afterAll, setDefaultTimeout } from 'bun:test';
import { stopStack } from './stack.ts';

// Tests must pass on a loaded machine; one that needs a shorter limit sets its own.
setDefaultTimeout(60_000);
afterAll(stopStack);
