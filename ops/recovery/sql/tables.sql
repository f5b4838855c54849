-- What recovery keeps: a row per step in progress, a row per worker, and a short log. Everything is in the schema tasker_contrib, except two
-- indexes and five triggers on Core's transition tables, which are named tasker_contrib_…
create schema if not exists tasker_contrib;
comment on schema tasker_contrib is 'Recovery of Tasker tasks after a crash; `tasker-recovery uninstall` removes it.';

-- Who executes a step. A row is there from the claim to the answer.
create table if not exists tasker_contrib.claims (
    workflow_step_uuid uuid primary key,
    transition_uuid uuid not null,
    worker text not null,
    claimed_at timestamptz not null default clock_timestamp(),
    -- Filled by a pass when the claim is older than most steps take: until then nobody needs it.
    answer_due timestamptz
);
create index if not exists claims_worker on tasker_contrib.claims (worker);
create index if not exists claims_undated on tasker_contrib.claims (claimed_at) where answer_due is null;
create index if not exists claims_due on tasker_contrib.claims (answer_due);

-- When a worker process last had a session.
create table if not exists tasker_contrib.workers (
    worker text primary key,
    last_seen timestamptz not null
);

-- What the last pass saw of time and of PostgreSQL: one row.
create table if not exists tasker_contrib.watch (
    only_row boolean primary key default true check (only_row),
    passed_at timestamptz not null,
    started_at timestamptz not null,
    timeline text not null
);

-- Since when PostgreSQL runs without a crash, one row: a crash empties a table that is not logged. The next pass, or `install`, fills it.
create unlogged table if not exists tasker_contrib.uninterrupted (
    only_row boolean primary key default true check (only_row),
    since timestamptz not null
);
insert into tasker_contrib.uninterrupted (since) values (clock_timestamp()) on conflict do nothing;

-- Where a pass goes on that could not look at everything.
create table if not exists tasker_contrib.cursors (
    name text primary key,
    at timestamp not null,
    id uuid not null default '00000000-0000-0000-0000-000000000000'
);

-- How often something was tried for a step or a task, so that a repetition waits longer each time, and losses of a step are counted.
create table if not exists tasker_contrib.tries (
    subject uuid,
    kind text,
    times int not null default 1,
    last_at timestamptz not null default clock_timestamp(),
    primary key (subject, kind)
);

-- What was recovered in the last days, for people.
create table if not exists tasker_contrib.recovered (
    at timestamptz not null default clock_timestamp(),
    kind text not null,
    task_uuid uuid,
    step_uuid uuid,
    detail text
);
create index if not exists recovered_at on tasker_contrib.recovered (at);

-- Little is open beside a long history, and a pass reads the open part only.
create index if not exists tasker_contrib_open_steps
    on tasker.workflow_step_transitions (created_at, workflow_step_transition_uuid)
    where most_recent and to_state in ('enqueued', 'enqueued_for_orchestration', 'enqueued_as_error_for_orchestration');
create index if not exists tasker_contrib_open_tasks
    on tasker.task_transitions (created_at, task_uuid)
    where most_recent and to_state in ('initializing', 'enqueuing_steps', 'steps_in_process', 'evaluating_results',
                                       'waiting_for_dependencies', 'waiting_for_retry', 'blocked_by_failures');

-- Of the tasks that were closed before, those of the last day are looked at once.
insert into tasker_contrib.cursors (name, at) values ('closed', now() at time zone 'utc' - interval '1 day') on conflict do nothing;

-- Functions other than the triggers' change their arguments between versions.
do $$
declare old regprocedure;
begin
    for old in select oid::regprocedure from pg_catalog.pg_proc
                where pronamespace = 'tasker_contrib'::regnamespace and prorettype <> 'trigger'::regtype
    loop
        execute format('drop function %s', old);
    end loop;
end $$;
