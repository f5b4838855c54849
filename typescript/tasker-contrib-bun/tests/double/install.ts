/** Makes the double what `@tasker-systems/tasker` means in this process; a preload. */

import { plugin } from 'bun';

plugin({
  name: 'tasker-double',
  setup(build) {
    build.module('@tasker-systems/tasker', async () => ({ exports: await import('./core.ts'), loader: 'object' }));
  },
});
