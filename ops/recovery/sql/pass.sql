-- One look at everything that is open. Core moves when a message comes; whatever died between a state and its message is found here by
-- comparing states with messages and with living workers. Each part writes what it did and gives it back.

-- Who is alive. Sessions say so: the kernel closes those of a killed process, and a slow one keeps them.
create function tasker_contrib.watch(p_grace interval) returns void
language plpgsql as $$
declare
    last record;
    -- Of the WAL that is written now: a standby that took over has another one, with an old start time.
    line text := left(pg_walfile_name(pg_current_wal_insert_lsn()), 8);
begin
    select * into last from tasker_contrib.watch;
    -- Nobody looked for a while, or every session was cut: all get the whole grace again.
    if not found or last.passed_at not between clock_timestamp() - p_grace / 2 and clock_timestamp()
       or last.started_at <> pg_postmaster_start_time() or last.timeline <> line then
        update tasker_contrib.workers set last_seen = clock_timestamp();
    end if;
    insert into tasker_contrib.watch (passed_at, started_at, timeline) values (clock_timestamp(), pg_postmaster_start_time(), line)
    on conflict (only_row) do update set passed_at = excluded.passed_at, started_at = excluded.started_at, timeline = excluded.timeline;
    insert into tasker_contrib.uninterrupted (since) values (clock_timestamp()) on conflict do nothing;
    insert into tasker_contrib.workers (worker, last_seen)
    select application_name, clock_timestamp() from pg_stat_activity
     where datname = current_database() and application_name like 'tkw:%'
     group by application_name
    on conflict (worker) do update set last_seen = excluded.last_seen;
    insert into tasker_contrib.workers (worker, last_seen)
    select worker, clock_timestamp() from tasker_contrib.claims c
     where worker like 'tkw:%' and not exists (select from tasker_contrib.workers w where w.worker = c.worker)
     group by worker
    on conflict do nothing;
end $$;

-- Steps of workers that are gone.
create function tasker_contrib.recover_lost_workers(p_grace interval, p_max_losses int) returns setof tasker_contrib.recovered
language plpgsql as $$
declare
    r record;
begin
    for r in
        select c.* from tasker_contrib.workers w join tasker_contrib.claims c using (worker)
         where w.last_seen < clock_timestamp() - p_grace limit 500
    loop
        begin
            return query select * from tasker_contrib.answer_for(r.workflow_step_uuid, r.transition_uuid, 'worker_lost',
                format('worker %s died with this step', r.worker), p_max_losses);
        exception when others then
            return query select * from tasker_contrib.failed(r.workflow_step_uuid, 'worker_lost', sqlerrm);
        end;
    end loop;
end $$;

-- Steps that a living worker must have answered by now: the answer was lost on its way, or the step never reached a handler.
create function tasker_contrib.recover_lost_answers(p_margin interval, p_lease interval, p_max_losses int)
returns setof tasker_contrib.recovered language plpgsql as $$
declare
    r record;
begin
    with dated as (
        select c.workflow_step_uuid, coalesce(
                   -- A template's name of a step that Core made several of is kept in its inputs.
                   (select max(value::numeric) * interval '1 second' + p_margin
                      from jsonb_path_query(kind.configuration, '$.steps[*] ? (@.name == $name).timeout_seconds ? (@.type() == "number")',
                               jsonb_build_object('name', coalesce(step.inputs->>'__template_step_name', named.name))) value),
                   (select max(value::numeric) * interval '1 minute' - interval '1 minute'
                      from jsonb_path_query(kind.configuration,
                               '$.lifecycle.max_steps_in_process_minutes ? (@.type() == "number")') value),
                   p_lease) as allowed
          from (select workflow_step_uuid from tasker_contrib.claims
                 where answer_due is null and claimed_at < clock_timestamp() - p_margin and worker like 'tkw:%'
                 order by claimed_at limit 200) c
          join tasker.workflow_steps step using (workflow_step_uuid)
          join tasker.named_steps named using (named_step_uuid)
          join tasker.tasks task using (task_uuid)
          join tasker.named_tasks kind using (named_task_uuid)
    )
    update tasker_contrib.claims c set answer_due = claimed_at + dated.allowed from dated where c.workflow_step_uuid = dated.workflow_step_uuid;
    for r in select * from tasker_contrib.claims where answer_due < clock_timestamp() limit 500 loop
        begin
            return query select * from tasker_contrib.answer_for(r.workflow_step_uuid, r.transition_uuid, 'answer_lost',
                format('worker %s has not answered this step in time', r.worker), p_max_losses);
        exception when others then
            return query select * from tasker_contrib.failed(r.workflow_step_uuid, 'answer_lost', sqlerrm);
        end;
    end loop;
end $$;

-- The next open steps that have not moved for a while, five hundred at most; the next pass goes on behind them.
create function tasker_contrib.settled_steps(p_settle interval) returns setof tasker.workflow_step_transitions
language plpgsql rows 100 as $$
declare
    last tasker_contrib.cursors;
    seen int := 0;
    r tasker.workflow_step_transitions;
begin
    select * into last from tasker_contrib.cursors where name = 'steps';
    for r in
        select * from tasker.workflow_step_transitions
         where most_recent and to_state in ('enqueued', 'enqueued_for_orchestration', 'enqueued_as_error_for_orchestration')
           and created_at < tasker_contrib.utc(p_settle)
           and (created_at, workflow_step_transition_uuid) > (coalesce(last.at, '-infinity'), coalesce(last.id, '00000000-0000-0000-0000-000000000000'))
         order by created_at, workflow_step_transition_uuid limit 500
    loop
        seen := seen + 1;
        return next r;
    end loop;
    if seen < 500 then
        delete from tasker_contrib.cursors where name = 'steps';
    else
        insert into tasker_contrib.cursors (name, at, id) values ('steps', r.created_at, r.workflow_step_transition_uuid)
        on conflict (name) do update set at = excluded.at, id = excluded.id;
    end if;
end $$;

-- Which of these steps have no message in a queue. A claim changes the state before the message goes, so states must be read again after this.
create function tasker_contrib.without_message(p_queue text, p_steps uuid[]) returns setof uuid
language plpgsql as $$
begin
    if to_regclass(format('pgmq.%I', 'q_' || p_queue)) is null then
        return query select unnest(p_steps);
    else
        return query execute format('select step from unnest($1) step where not exists (
            select from pgmq.%I q where q.message->>''step_uuid'' = step::text)', 'q_' || p_queue) using p_steps;
    end if;
end $$;

-- Steps that wait for a message which is gone: to a worker, or to the server.
create function tasker_contrib.recover_lost_messages(p_settle interval) returns setof tasker_contrib.recovered
language plpgsql as $$
declare
    batch record;
    lost record;
begin
    for batch in
        with settled as materialized (select * from tasker_contrib.settled_steps(p_settle))
        select case settled.to_state when 'enqueued' then format('worker_%s_queue', space.name) else 'orchestration_step_results' end as queue,
               array_agg(settled.workflow_step_uuid) as steps,
               array_agg(settled.workflow_step_transition_uuid) as transitions
          from settled
          join tasker.workflow_steps step using (workflow_step_uuid)
          join tasker.tasks task using (task_uuid)
          join tasker.named_tasks kind using (named_task_uuid)
          join tasker.task_namespaces space using (task_namespace_uuid)
         group by 1
    loop
        for lost in
            select missing as step, batch.transitions[array_position(batch.steps, missing)] as transition
              from tasker_contrib.without_message(batch.queue, batch.steps) missing
             where tasker_contrib.may_try(missing, 'resend', p_settle)
             limit 500
        loop
            begin
                return query select * from tasker_contrib.resend(batch.queue, lost.step, lost.transition);
            exception when others then
                return query select * from tasker_contrib.failed(lost.step, 'resend', sqlerrm);
            end;
        end loop;
    end loop;
end $$;

create function tasker_contrib.resend(p_queue text, p_step uuid, p_transition uuid) returns setof tasker_contrib.recovered
language plpgsql as $$
declare
    state tasker.workflow_step_transitions;
    step record;
begin
    select * into state from tasker.workflow_step_transitions
     where workflow_step_transition_uuid = p_transition and most_recent for update skip locked;
    if not found then return; end if;
    perform tasker_contrib.tried(p_step, 'resend');
    select s.task_uuid, t.correlation_id into step from tasker.workflow_steps s join tasker.tasks t using (task_uuid) where s.workflow_step_uuid = p_step;
    if state.to_state <> 'enqueued' then
        -- A worker writes the result after the transition; the transition has it, too.
        update tasker.workflow_steps
           set in_process = false, updated_at = now(), results = coalesce(((state.metadata->>'event')::jsonb)->'data', results)
         where workflow_step_uuid = p_step;
    end if;
    perform tasker.pgmq_send_with_notify(p_queue,
        jsonb_build_object('task_uuid', step.task_uuid, 'step_uuid', p_step, 'correlation_id', step.correlation_id));
    return query select * from tasker_contrib.note(case state.to_state when 'enqueued' then 'step_resent' else 'result_resent' end,
        step.task_uuid, p_step, format('%s since %s without a message in %s', state.to_state, state.created_at, p_queue));
end $$;

-- What must happen to a task that has not moved for a while: a state, 'finalize', or nothing.
create function tasker_contrib.next_for(p_state text, p_in_flight bigint, p_failed bigint, p_open bigint) returns text
language sql immutable as $$
    select case
        -- In these two states Core ignores or refuses the answers of its steps.
        when p_in_flight > 0 then case when p_state in ('initializing', 'enqueuing_steps') then 'steps_in_process' end
        when p_failed > 0 then case when p_state <> 'blocked_by_failures' then 'finalize' end
        -- An operator has reset or resolved what failed.
        when p_state = 'blocked_by_failures' then 'waiting_for_dependencies'
        when p_open = 0 then 'finalize'
        -- Core's poller looks at tasks in this state.
        when p_state not in ('waiting_for_dependencies', 'waiting_for_retry') then 'waiting_for_dependencies'
    end;
$$;

-- Tasks that nobody will look at again. It looks at a hundred at a time until it has looked at all, or for as long as it may.
create function tasker_contrib.recover_stuck_tasks(p_settle interval, p_budget interval) returns setof tasker_contrib.recovered
language plpgsql as $$
declare
    begun timestamptz := clock_timestamp();
    last tasker_contrib.cursors;
    seen int;
    r record;
begin
    select * into last from tasker_contrib.cursors where name = 'tasks';
    loop
        seen := 0;
        for r in
            select task.task_uuid, task.to_state as state, task.created_at, steps.*
              from (select * from tasker.task_transitions
                     where most_recent and to_state in ('initializing', 'enqueuing_steps', 'steps_in_process', 'evaluating_results',
                                                        'waiting_for_dependencies', 'waiting_for_retry', 'blocked_by_failures')
                       and created_at < tasker_contrib.utc(p_settle)
                       and (created_at, task_uuid) > (coalesce(last.at, '-infinity'), coalesce(last.id, '00000000-0000-0000-0000-000000000000'))
                     order by created_at, task_uuid limit 100) task
             cross join lateral (
                select count(*) filter (where last_of.to_state in ('enqueued', 'in_progress', 'enqueued_for_orchestration', 'enqueued_as_error_for_orchestration')) as in_flight,
                       count(*) filter (where last_of.to_state = 'error') as failed,
                       -- A step that the server died before it could say "pending" of has no transition, and is pending for Core all the same.
                       count(*) filter (where coalesce(last_of.to_state, 'pending') not in ('complete', 'resolved_manually', 'cancelled')) as open,
                       max(coalesce(last_of.created_at, step.created_at)) as moved
                  from tasker.workflow_steps step
                  left join tasker.workflow_step_transitions last_of on last_of.workflow_step_uuid = step.workflow_step_uuid and last_of.most_recent
                 where step.task_uuid = task.task_uuid) steps
             order by task.created_at, task.task_uuid
        loop
            seen := seen + 1;
            last.at := r.created_at;
            last.id := r.task_uuid;
            continue when r.moved > tasker_contrib.utc(p_settle);
            begin
                return query select * from tasker_contrib.move(r.task_uuid, r.state,
                    coalesce(tasker_contrib.next_for(r.state, r.in_flight, r.failed, r.open),
                             tasker_contrib.next_for_waiting(r.task_uuid, r.state, r.created_at)), p_settle);
            exception when others then
                return query select * from tasker_contrib.failed(r.task_uuid, 'move', sqlerrm);
            end;
        end loop;
        if seen < 100 then
            delete from tasker_contrib.cursors where name = 'tasks';
            return;
        end if;
        exit when clock_timestamp() > begun + p_budget;
    end loop;
    insert into tasker_contrib.cursors (name, at, id) values ('tasks', last.at, last.id)
    on conflict (name) do update set at = excluded.at, id = excluded.id;
end $$;

-- Core's poller leaves out what has waited for longer than 30 (60) minutes, even if its time has only come now.
create function tasker_contrib.next_for_waiting(p_task uuid, p_state text, p_since timestamp) returns text
language plpgsql stable as $$
begin
    if p_state not in ('waiting_for_dependencies', 'waiting_for_retry') or p_since > tasker_contrib.utc('25 min') then
        return null;
    end if;
    if exists (select from tasker.get_task_execution_context(p_task) where execution_status = 'has_ready_steps') then
        return 'waiting_for_dependencies';
    end if;
    return null;
end $$;

create function tasker_contrib.move(p_task uuid, p_state text, p_next text, p_settle interval) returns setof tasker_contrib.recovered
language plpgsql as $$
begin
    if p_next = 'finalize' then
        if tasker_contrib.may_try(p_task, 'finalize', p_settle) and not exists (
            select from pgmq.q_orchestration_task_finalizations where message->>'task_uuid' = p_task::text) then
            perform tasker_contrib.tried(p_task, 'finalize');
            perform tasker.pgmq_send_with_notify('orchestration_task_finalizations', jsonb_build_object('task_uuid', p_task));
            return query select * from tasker_contrib.note('task_finalized', p_task, null, format('%s, and no step is left to do', p_state));
        end if;
    elsif p_next is not null and tasker.transition_task_state_atomic(p_task, p_state, p_next, null,
            jsonb_build_object('reason', 'recovered by tasker_contrib')) then
        return query select * from tasker_contrib.note('task_moved', p_task, null, format('%s -> %s', p_state, p_next));
    end if;
end $$;

-- Tasks that were closed with steps still open, before the guard was there. Each closed task is looked at once.
create function tasker_contrib.recover_closed_tasks(p_settle interval) returns setof tasker_contrib.recovered
language plpgsql as $$
declare
    seen timestamp;
    r record;
begin
    for r in
        select t.task_uuid, t.completed_at, steps.*
          from (select task_uuid, completed_at from tasker.tasks
                 where completed_at > (select at from tasker_contrib.cursors where name = 'closed') and completed_at < tasker_contrib.utc(p_settle)
                 order by completed_at fetch first 200 rows with ties) t
         cross join lateral (
            select count(*) filter (where coalesce(last_of.to_state, 'pending') not in ('complete', 'resolved_manually', 'cancelled', 'error')) as open,
                   count(*) filter (where last_of.to_state in ('enqueued', 'in_progress', 'enqueued_for_orchestration', 'enqueued_as_error_for_orchestration')) as in_flight
              from tasker.workflow_steps step
              left join tasker.workflow_step_transitions last_of on last_of.workflow_step_uuid = step.workflow_step_uuid and last_of.most_recent
             where step.task_uuid = t.task_uuid) steps
    loop
        seen := greatest(seen, r.completed_at);
        continue when r.open = 0;
        begin
            if tasker.transition_task_state_atomic(r.task_uuid, 'complete',
                   case when r.in_flight > 0 then 'steps_in_process' else 'waiting_for_dependencies' end, null,
                   jsonb_build_object('reason', 'recovered by tasker_contrib')) then
                update tasker.tasks set complete = false, completed_at = null, updated_at = now() where task_uuid = r.task_uuid;
                return query select * from tasker_contrib.note('task_reopened', r.task_uuid, null, format('complete with %s open steps', r.open));
            end if;
        exception when others then
            return query select * from tasker_contrib.failed(r.task_uuid, 'reopen', sqlerrm);
        end;
    end loop;
    update tasker_contrib.cursors set at = seen where name = 'closed' and seen is not null;
end $$;

-- One subject that cannot be recovered must not keep the others from it; it is tried again later.
create function tasker_contrib.failed(p_subject uuid, p_what text, p_why text) returns setof tasker_contrib.recovered
language plpgsql as $$
begin
    if tasker_contrib.may_try(p_subject, 'failed', '1 min') then
        perform tasker_contrib.tried(p_subject, 'failed');
        return query select * from tasker_contrib.note('failed', null, p_subject, format('%s: %s', p_what, p_why));
    end if;
end $$;

-- Everything above. The caller holds a lock, so that one process at a time does it.
create function tasker_contrib.pass(p_grace interval, p_settle interval, p_margin interval, p_lease interval, p_max_losses int, p_budget interval)
returns setof tasker_contrib.recovered language plpgsql set search_path = tasker, public, pg_temp set timezone = 'UTC' set jit = off as $$
begin
    if to_regclass('pgmq.q_orchestration_step_results') is null and exists (select from tasker.tasks) then
        raise exception 'there are tasks, and PGMQ has no queue orchestration_step_results in this database' using errcode = 'TK004';
    end if;
    perform tasker_contrib.watch(p_grace);
    return query select * from tasker_contrib.recover_lost_workers(p_grace, p_max_losses);
    return query select * from tasker_contrib.recover_lost_answers(p_margin, p_lease, p_max_losses);
    return query select * from tasker_contrib.recover_lost_messages(p_settle);
    return query select * from tasker_contrib.recover_stuck_tasks(p_settle, p_budget);
    return query select * from tasker_contrib.recover_closed_tasks(p_settle);
end $$;
