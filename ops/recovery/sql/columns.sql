-- The columns of Core's tables that recovery reads or writes, one a line.
select format('%s.%s %s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then ' not null' else '' end)
  from pg_attribute a join pg_class c on c.oid = a.attrelid
 where c.relnamespace = to_regnamespace('tasker') and a.attnum > 0 and not a.attisdropped
   and c.relname in ('task_transitions', 'workflow_step_transitions', 'workflow_steps', 'tasks', 'named_tasks', 'named_steps', 'task_namespaces')
 order by 1
