-- What the role lacks: each row is a right and the statement that gives it.
with me as (select quote_ident(current_user) as role),
     core as (select c.oid, c.relname, pg_has_role(c.relowner, 'usage') as owned from pg_class c
               where c.oid in (to_regclass('tasker.workflow_step_transitions'), to_regclass('tasker.task_transitions'))),
     queues as (select c.oid, c.relname from pg_class c where c.relnamespace = to_regnamespace('pgmq') and c.relkind = 'r'
                 and (c.relname in ('meta', 'q_orchestration_step_results', 'q_orchestration_task_finalizations') or c.relname ~ '^[qa]_worker_.*_queue$'))
select format('the role %s is not the owner of tasker.%s, so it cannot make triggers and an index there', role, relname),
       format('run this as the owner, or: alter table tasker.%s owner to %s', relname, role)
  from core, me where not owned
union all
select format('the role %s may not create a schema in %s', role, current_database()), format('grant create on database %I to %s', current_database(), role)
  from me where not has_database_privilege(current_database(), 'create') and to_regnamespace('tasker_contrib') is null
union all
select format('the role %s may not update tasker.%s', role, t), format('grant select, insert, update on tasker.%s to %s', t, role)
  from me, unnest(array['workflow_steps', 'tasks']) t where not (has_table_privilege('tasker.' || t, 'select') and has_table_privilege('tasker.' || t, 'update'))
union all
select format('the role %s may not read and write pgmq.%s', role, relname), format('grant select, insert, update, delete on all tables in schema pgmq to %s', role)
  from queues, me where not has_table_privilege(oid, 'select') or (relname <> 'meta' and not (has_table_privilege(oid, 'insert') and has_table_privilege(oid, 'delete')))
