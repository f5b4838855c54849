-- The role of the PostgreSQL exporter. It reads statistics, the depth of queues and the states of tasks; not their contexts and results.
-- Run it as the owner of the database or a superuser, after `tasker-dev migrate` and again after an update, and give the role a password:
--   psql "$DATABASE_URL" --file=role.sql
--   psql "$DATABASE_URL" --command='\password tasker_monitor'
do $$ begin
    if not exists (select from pg_roles where rolname = 'tasker_monitor') then
        create role tasker_monitor login connection limit 5;
    end if;
end $$;
alter role tasker_monitor set statement_timeout = '10s';
-- Not `pg_monitor`: PGMQ lets its members read all messages, and those have contexts and results.
do $$ begin
    if exists (select from pg_auth_members where roleid = 'pg_monitor'::regrole and member = 'tasker_monitor'::regrole) then
        revoke pg_monitor from tasker_monitor;
    end if;
end $$;
revoke all on all tables in schema pgmq, tasker from tasker_monitor;
grant pg_read_all_stats to tasker_monitor;
grant usage on schema tasker to tasker_monitor;
grant select (task_transition_uuid, task_uuid, from_state, to_state, most_recent, created_at) on tasker.task_transitions to tasker_monitor;
grant select (named_task_uuid, task_namespace_uuid) on tasker.named_tasks to tasker_monitor;
grant select (task_namespace_uuid, name) on tasker.task_namespaces to tasker_monitor;
grant select (task_uuid, named_task_uuid, complete, created_at) on tasker.tasks to tasker_monitor;
grant select (task_uuid, resolution_status) on tasker.tasks_dlq to tasker_monitor;
-- How many messages there are, and how old; of every queue, also of those that Tasker makes later.
create schema if not exists tasker_monitor;
grant usage on schema tasker_monitor to tasker_monitor;
create or replace function tasker_monitor.queues() returns table (queue text, messages bigint, oldest_seconds int)
    language plpgsql stable security definer set search_path = pg_catalog
as $$
declare
    -- One statement: one for each queue costs three times as much.
    each text := (
        select string_agg(format('select %L::text, count(*), coalesce(extract(epoch from now() - min(enqueued_at)), 0)::int from pgmq.%I',
                                 queue_name, 'q_' || lower(queue_name)), ' union all ')
        from pgmq.meta
        where to_regclass(format('pgmq.%I', 'q_' || lower(queue_name))) is not null);
begin
    if each is not null then
        return query execute each;
    end if;
end $$;
revoke all on function tasker_monitor.queues() from public;
grant execute on function tasker_monitor.queues() to tasker_monitor;
-- Where not everybody may connect.
do $$ begin
    execute format('grant connect on database %I to tasker_monitor', current_database());
end $$;
