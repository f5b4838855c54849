import { afterAll, setDefaultTimeout } from 'bun:test';
import { stopStack } from './stack.ts';

// A busy machine takes longer for a test than Bun's five seconds.
setDefaultTimeout(60_000);
afterAll(stopStack);
