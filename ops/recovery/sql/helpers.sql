-- Writes a line of the log and gives it back.
create function tasker_contrib.note(p_kind text, p_task uuid, p_step uuid, p_detail text) returns setof tasker_contrib.recovered
language sql as $$
    insert into tasker_contrib.recovered (kind, task_uuid, step_uuid, detail) values (p_kind, p_task, p_step, p_detail) returning *;
$$;

-- Whether enough time has gone by since the last try: twice as long after each one, up to 32 times the first wait.
create function tasker_contrib.may_try(p_subject uuid, p_kind text, p_wait interval) returns boolean
language sql stable as $$
    select not exists (select from tasker_contrib.tries
                        where subject = p_subject and kind = p_kind and last_at > clock_timestamp() - p_wait * power(2, least(times, 5)));
$$;

create function tasker_contrib.tried(p_subject uuid, p_kind text) returns int
language sql as $$
    insert into tasker_contrib.tries as t (subject, kind) values (p_subject, p_kind)
    on conflict (subject, kind) do update set times = t.times + 1, last_at = excluded.last_at
    returning times;
$$;

create function tasker_contrib.utc(p_before interval) returns timestamp
language sql stable as $$ select clock_timestamp() at time zone 'utc' - p_before $$;

-- Answers a step in the place of its worker, in the worker's form: state, result and message in one transaction. Core's server does the rest
-- by its own rules. Gives nothing if the claim has ended meanwhile.
create function tasker_contrib.answer_for(p_step uuid, p_claim uuid, p_code text, p_why text, p_max_losses int)
returns setof tasker_contrib.recovered language plpgsql as $$
declare
    claim record;
    step record;
    losses int;
    retry boolean;
    why text := p_why;
    answer jsonb;
begin
    select sort_key into claim from tasker.workflow_step_transitions
     where workflow_step_transition_uuid = p_claim and most_recent and to_state = 'in_progress' for update skip locked;
    if not found then return; end if;
    select s.task_uuid, s.retryable, t.correlation_id into step
      from tasker.workflow_steps s join tasker.tasks t using (task_uuid) where s.workflow_step_uuid = p_step;

    losses := tasker_contrib.tried(p_step, 'lost');
    retry := step.retryable and losses <= p_max_losses;
    if not step.retryable then
        why := why || '; its outcome is unknown, and its template says retryable: false';
    elsif not retry then
        why := format('%s; that is loss %s of this step, and %s are allowed', why, losses, p_max_losses);
    end if;
    answer := jsonb_build_object(
        'step_uuid', p_step, 'success', false, 'status', 'failed', 'result', '{}'::jsonb,
        'error', jsonb_build_object('message', why, 'error_type', p_code, 'backtrace', null, 'retryable', retry),
        'metadata', jsonb_build_object('execution_time_ms', 0, 'handler_version', null, 'retryable', retry,
            'completed_at', to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'worker_id', null, 'worker_hostname', null, 'started_at', null, 'custom', '{}'::jsonb,
            'error_code', p_code, 'error_type', p_code, 'context', '{}'::jsonb),
        -- At once: the step itself did nothing wrong.
        'orchestration_metadata', jsonb_build_object('headers', jsonb_build_object('retry-after', '0'),
            'error_context', null, 'backoff_hint', null, 'custom', '{}'::jsonb));

    delete from tasker_contrib.claims where workflow_step_uuid = p_step;
    update tasker.workflow_step_transitions set most_recent = false, updated_at = now() where workflow_step_transition_uuid = p_claim;
    insert into tasker.workflow_step_transitions
        (workflow_step_uuid, from_state, to_state, metadata, sort_key, most_recent, created_at, updated_at)
    values (p_step, 'in_progress', 'enqueued_as_error_for_orchestration',
        jsonb_build_object('event', jsonb_build_object('type', 'EnqueueAsErrorForOrchestration', 'data', answer)::text,
                           'timestamp', now(), 'correlation_id', step.correlation_id),
        claim.sort_key + 1, true, now(), now());
    -- A worker's death does not use up an attempt; that losses are counted bounds it.
    update tasker.workflow_steps
       set in_process = false, results = answer, updated_at = now(),
           attempts = case when retry then greatest(coalesce(attempts, 0) - 1, 0) else attempts end
     where workflow_step_uuid = p_step;
    perform tasker.pgmq_send_with_notify('orchestration_step_results',
        jsonb_build_object('task_uuid', step.task_uuid, 'step_uuid', p_step, 'correlation_id', step.correlation_id));
    return query select * from tasker_contrib.note(case when retry then p_code else 'step_failed' end, step.task_uuid, p_step, why);
end $$;
