#!/usr/bin/env bun
/** The command `tasker-contrib-bun`. */

import { run } from './run.ts';

process.exit(await run(process.argv.slice(2)));
