import { afterAll } from 'bun:test';
import { stopStack } from './stack.ts';

afterAll(stopStack);
