/** What `--help` says. */

const PLACING = `  --dry-run    show what would be written, and write nothing
  --force      overwrite files that are there with other content
  --skip       keep files that are there; without either you are asked`;
const LOADING = `  --handlers FOLDER    handler modules (default: src/handlers)
  --templates FOLDER   task templates (default: TASKER_TEMPLATE_PATH, else config/tasks)`;
const CTL = 'The files are made by tasker-ctl: the program that TASKER_CTL names, else the one on PATH.';

/** All commands. */
export const HELP = `Tasker workflows in Bun: projects, handlers, task templates, checks and workers.

  tasker-contrib-bun init FOLDER
  tasker-contrib-bun generate handler NAME [--type base|api|decision|batchable] [--namespace NAME]
  tasker-contrib-bun generate template NAME [--namespace NAME] [--steps fetch,clean:fetch,store:clean+fetch]
  tasker-contrib-bun generate types NAME [--templates config/tasks]
  tasker-contrib-bun check [--handlers src/handlers] [--templates config/tasks]
  tasker-contrib-bun worker [--handlers src/handlers] [--templates config/tasks] [--port 3000] [--hostname 127.0.0.1]
  tasker-contrib-bun schedule run|list|now NAME [--file config/schedules.yaml]

tasker-contrib-bun COMMAND --help says more about one. init and generate need tasker-ctl (TASKER_CTL, else PATH).

Example: tasker-contrib-bun generate handler charge_card --type api --namespace billing
`;

/** One text for each command. */
export const COMMANDS: Readonly<Record<string, string>> = {
  init: `Makes a small project: an app, a handler, its test and a task template. The folder is new or empty.

  tasker-contrib-bun init FOLDER

${PLACING}

${CTL}

Example: tasker-contrib-bun init shop
`,
  generate: `Makes a handler with its test, a task template, or types of a template's results.

  tasker-contrib-bun generate handler NAME
  tasker-contrib-bun generate template NAME
  tasker-contrib-bun generate types NAME

  --type TYPE          of a handler: base (default), api, decision or batchable
  --namespace NAME     of a handler or a template
  --steps STEPS        of a template, with what they depend on: fetch,clean:fetch,store:clean+fetch
  --templates FOLDER   where types finds the template (default: config/tasks)
  --undo               remove what the same command made, unless it was edited
${PLACING}

${CTL}

Example: tasker-contrib-bun generate handler charge_card --type api --namespace billing
`,
  check: `Checks settings, task templates and handlers as the start of a worker does. Nothing is started.

  tasker-contrib-bun check

${LOADING}

Exit code: 0 without errors (warnings do not count), else 1.

Example: tasker-contrib-bun check --handlers src/handlers
`,
  worker: `Runs the handlers, and serves health, metrics and events.

  tasker-contrib-bun worker

${LOADING}
  --port PORT          0 takes a free one (default: PORT, else 3000)
  --hostname HOST      (default: HOST, else 127.0.0.1)

Example: tasker-contrib-bun worker --port 9100
`,
  schedule: `Creates the recurring tasks of a file. Any number of these processes may run: a slot has one task.

  tasker-contrib-bun schedule run         until SIGTERM or Ctrl-C
  tasker-contrib-bun schedule list        when each is due next
  tasker-contrib-bun schedule now NAME    one task now, also when it is paused

  --file FILE          the schedules (default: config/schedules.yaml)

Needs the package croner.

Example: tasker-contrib-bun schedule run --file config/schedules.yaml
`,
};
