/** A preload: Core's package is its double, which has one step to run. */

import '../../../tasker-contrib-bun/tests/double/install.ts';
import { control } from '../../../tasker-contrib-bun/tests/double/core.ts';
import { claimed } from '../../../tasker-contrib-bun/tests/double/steps.ts';

control.queue.push(claimed({ callable: 'intake.scan', context: { document_id: process.env.DOCUMENT_ID } }));
