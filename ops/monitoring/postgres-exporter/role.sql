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
grant pg_monitor to tasker_monitor;
grant usage on schema tasker to tasker_monitor;
grant select on tasker.task_transitions, tasker.named_tasks, tasker.task_namespaces to tasker_monitor;
grant select (task_uuid, named_task_uuid, complete, created_at) on tasker.tasks to tasker_monitor;
grant select (task_uuid, resolution_status) on tasker.tasks_dlq to tasker_monitor;
-- PGMQ itself lets members of pg_monitor read the tables of later queues.
grant usage on schema pgmq to tasker_monitor;
grant select on all tables in schema pgmq to tasker_monitor;
-- Where not everybody may connect.
do $$ begin
    execute format('grant connect on database %I to tasker_monitor', current_database());
end $$;
