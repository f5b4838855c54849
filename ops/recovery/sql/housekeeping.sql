-- What grows without end if nobody looks: once a minute, a little at a time.
create function tasker_contrib.housekeeping(p_keep_archives interval) returns setof tasker_contrib.recovered
language plpgsql set search_path = tasker, public, pg_temp set timezone = 'UTC' as $$
declare
    queue text;
    id bigint;
    n int;
begin
    delete from tasker_contrib.workers w
     where last_seen < clock_timestamp() - interval '1 hour' and not exists (select from tasker_contrib.claims where worker = w.worker);
    delete from tasker_contrib.tries where last_at < clock_timestamp() - interval '1 day';
    delete from tasker_contrib.recovered where at < clock_timestamp() - interval '7 days';
    for queue in
        select queue_name from pgmq.meta
         where queue_name in ('orchestration_step_results', 'orchestration_task_requests', 'orchestration_task_finalizations')
            or queue_name like 'worker\_%\_queue'
         order by 1
    loop
        if p_keep_archives is not null then
            execute format('delete from pgmq.%1$I where ctid = any (array(
                select ctid from pgmq.%1$I where archived_at < clock_timestamp() - $1 order by archived_at limit 5000))', 'a_' || queue)
                using p_keep_archives;
            get diagnostics n = row_count;
            if n > 0 then
                return query select * from tasker_contrib.note('archive_pruned', null, null, format('%s messages of %s', n, queue));
            end if;
        end if;
        continue when queue not like 'worker%';
        -- A message whose step was claimed long ago: Core neither runs nor removes it, and reads it every 30 seconds.
        for id in
            execute format('select q.msg_id from pgmq.%I q join tasker.workflow_step_transitions s
                on s.most_recent and s.workflow_step_uuid = case when q.message->>''step_uuid'' ~ ''^[0-9a-f-]{36}$'' then (q.message->>''step_uuid'')::uuid end
                where q.read_ct >= 3 and q.enqueued_at < clock_timestamp() - interval ''2 min''
                  and s.to_state in (''complete'', ''error'', ''cancelled'', ''resolved_manually'') limit 500', 'q_' || queue)
        loop
            perform pgmq.archive(queue, id);
            return query select * from tasker_contrib.note('message_archived', null, null, format('message %s of %s: its step has ended', id, queue));
        end loop;
    end loop;
end $$;
