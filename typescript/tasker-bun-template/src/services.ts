/** What the steps use. The worker provides it before it takes steps; a test provides its own. */

import type { Scanner } from './documents/scanner.ts';
import type { Documents } from './documents/store.ts';

export interface Services {
  documents: Documents;
  scanner: Scanner;
}

let provided: Services | undefined;

export function provide(services: Services): void {
  provided = services;
}

export function services(): Services {
  if (!provided) throw new Error('call provide() before steps are run');
  return provided;
}
