-- What runs inside of Core's own transactions. The functions belong to the owner of the schema, so a worker's role needs no right on it.

-- Core decides by the state that it has read, and writes later. A transition from a state that is no longer the state is refused: one of two
-- claims of a step, one of two starts of a task. And an answer is taken only from the worker that holds the claim.
create or replace function tasker_contrib.guard_step() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    state text;
    holder text;
    me text := current_setting('application_name');
begin
    select to_state into state from tasker.workflow_step_transitions
     where workflow_step_uuid = new.workflow_step_uuid order by sort_key desc limit 1;
    if found and new.from_state is distinct from state then
        raise exception 'step % is %, so it cannot go from % to %', new.workflow_step_uuid, state, new.from_state, new.to_state
            using errcode = 'TK001', hint = 'another process was faster';
    end if;
    -- Core judges an answer by the step's row. A late message of an earlier try meets the row before the worker has written the new result there.
    if new.from_state = 'enqueued_for_orchestration' and new.to_state = 'error' and tasker_contrib.succeeded(new.workflow_step_uuid) then
        raise exception 'step % was answered with a success, so it cannot go to error', new.workflow_step_uuid
            using errcode = 'TK005', hint = 'the result of an earlier try was read';
    end if;
    if new.to_state in ('enqueued_for_orchestration', 'enqueued_as_error_for_orchestration') then
        select worker into holder from tasker_contrib.claims where workflow_step_uuid = new.workflow_step_uuid;
        if found and holder <> me and (holder like 'tkw:%' or me like 'tkw:%') then
            raise exception 'step % is held by %, so an answer of % is not taken', new.workflow_step_uuid, holder, me
                using errcode = 'TK002', hint = 'the worker was taken for dead, and the step was given to another one';
        end if;
    end if;
    return new;
end $$;

-- Whether the last transition of a step, an answer, carries a success.
create function tasker_contrib.succeeded(p_step uuid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select case when pg_input_is_valid(metadata->>'event', 'jsonb') then (metadata->>'event')::jsonb @> '{"data": {"success": true}}' else false end
      from tasker.workflow_step_transitions where workflow_step_uuid = p_step order by sort_key desc limit 1;
$$;

-- Whether a step of a task had completed before a moment and asked for more steps, which are not there. Core takes a failure to make them for no failure.
create function tasker_contrib.outcome_is_lost(p_task uuid, p_before timestamptz) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from tasker.workflow_steps step
          join tasker.workflow_step_transitions last on last.workflow_step_uuid = step.workflow_step_uuid and last.most_recent
         where step.task_uuid = p_task and last.to_state = 'complete' and last.created_at < p_before at time zone 'utc'
           and (step.results #>> '{result,batch_processing_outcome,type}' = 'create_batches' and not exists (
                    select from tasker.workflow_step_edges edge where edge.from_step_uuid = step.workflow_step_uuid and edge.name = 'batch_dependency')
             or step.results #>> '{result,decision_point_outcome,type}' = 'create_steps' and exists (
                    select from jsonb_array_elements_text(step.results #> '{result,decision_point_outcome,step_names}') wanted (name)
                     where not exists (select from tasker.workflow_steps made join tasker.named_steps named using (named_step_uuid)
                                        where made.task_uuid = p_task and named.name = wanted.name))));
$$;

create or replace function tasker_contrib.guard_task() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    state text;
    calm timestamptz;
begin
    select to_state into state from tasker.task_transitions where task_uuid = new.task_uuid order by sort_key desc limit 1;
    -- Core cancels from any open state and always writes that it was pending.
    if found and new.from_state is distinct from state
       and not (new.to_state = 'cancelled' and state not in ('complete', 'error', 'cancelled', 'resolved_manually')) then
        raise exception 'task % is %, so it cannot go from % to %', new.task_uuid, state, new.from_state, new.to_state
            using errcode = 'TK001', hint = 'another process was faster';
    end if;
    -- Core keeps the message of a result when the task cannot go on, and makes the steps when it reads that again. It may take its time, but not for ever.
    select since into calm from tasker_contrib.uninterrupted;
    if coalesce(calm, 'infinity') > clock_timestamp() - interval '2 min' and new.to_state not in ('cancelled', 'resolved_manually')
       and tasker_contrib.outcome_is_lost(new.task_uuid, coalesce(calm, 'infinity')) then
        raise exception 'task % waits for steps that one of its results asks for, so it cannot go from % to %', new.task_uuid, new.from_state, new.to_state
            using errcode = 'TK006', hint = 'PostgreSQL crashed before the server had made them; it reads the result again';
    end if;
    return new;
end $$;

-- "No step is ready" does not mean that every step is done, and "the steps could not be read" not that one has failed.
create or replace function tasker_contrib.guard_completion() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    states text[] := (
        select array_agg(coalesce(last.to_state, 'pending')) from tasker.workflow_steps step
          left join tasker.workflow_step_transitions last on last.workflow_step_uuid = step.workflow_step_uuid and last.most_recent
         where step.task_uuid = new.task_uuid);
begin
    if new.to_state = 'complete' and not states <@ array['complete', 'resolved_manually', 'cancelled'] then
        raise exception 'task % has steps that are not complete', new.task_uuid using errcode = 'TK003';
    elsif new.to_state = 'blocked_by_failures' and not states && array['error', 'enqueued_as_error_for_orchestration', 'cancelled'] then
        raise exception 'task % has no step that failed, so it is not blocked by failures', new.task_uuid
            using errcode = 'TK007', hint = 'the database was away when the server looked; it looks again';
    end if;
    return new;
end $$;

-- The claim is recorded in the transaction that makes it, so no moment is between them in which a process can die.
create or replace function tasker_contrib.track_claim() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if new.to_state = 'in_progress' then
        insert into tasker_contrib.claims (workflow_step_uuid, transition_uuid, worker)
        values (new.workflow_step_uuid, new.workflow_step_transition_uuid, current_setting('application_name'))
        on conflict (workflow_step_uuid) do update
            set transition_uuid = excluded.transition_uuid, worker = excluded.worker, claimed_at = excluded.claimed_at, answer_due = null;
    else
        delete from tasker_contrib.claims where workflow_step_uuid = new.workflow_step_uuid;
    end if;
    return null;
end $$;

-- An operator who resets a step gives it all its chances again.
create or replace function tasker_contrib.forget_losses() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from tasker_contrib.tries where subject = new.workflow_step_uuid;
    return null;
end $$;

create or replace trigger tasker_contrib_guard before insert on tasker.workflow_step_transitions
    for each row execute function tasker_contrib.guard_step();
create or replace trigger tasker_contrib_track after insert on tasker.workflow_step_transitions
    for each row when (new.to_state = 'in_progress' or new.from_state = 'in_progress') execute function tasker_contrib.track_claim();
create or replace trigger tasker_contrib_reset after insert on tasker.workflow_step_transitions
    for each row when (new.from_state = 'error') execute function tasker_contrib.forget_losses();
create or replace trigger tasker_contrib_guard before insert on tasker.task_transitions
    for each row execute function tasker_contrib.guard_task();
create or replace trigger tasker_contrib_guard_completion before insert on tasker.task_transitions
    for each row when (new.to_state in ('complete', 'blocked_by_failures')) execute function tasker_contrib.guard_completion();
