# Part of ./run: a backup of the production stack, and what it brings back on a new machine.

# production_script NAME…: a script of the production folder, on the proof's project.
production_script() {
    (cd "$production" && COMPOSE_PROJECT_NAME=$project COMPOSE_FILE=compose.yaml:../proof/production.yaml "$@")
}

# A line for each table and sequence, with a checksum of all its rows.
data() {
    compose exec --no-TTY postgres psql --username postgres --dbname tasker --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 <<'SQL'
SELECT format(CASE relkind WHEN 'S' THEN 'SELECT %L, last_value, is_called FROM %2$s'
    ELSE 'SELECT %L, count(*), md5(string_agg(t::text, E''\n'' ORDER BY t::text)) FROM %2$s t' END, oid::regclass, oid::regclass)
FROM pg_class WHERE relkind IN ('r', 'S') AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND relpersistence <> 't'
ORDER BY oid::regclass::text COLLATE "C"
\gexec
SQL
}

# Programs that run write these meanwhile: workers their templates, and when they have read a message; recovery what it has seen of them.
settled_data() {
    data | grep -vE '^(tasker.named_tasks|tasker_contrib.watch|tasker_contrib.workers|pgmq.q_worker_etl_queue)\|'
}

# After kills a result may wait until its message is visible again; the server would read it in the middle of a comparison.
results_are_read() {
    local _ open
    for _ in $(seq 180); do
        open=$(docker exec "$project-postgres-1" psql --username postgres --dbname tasker --no-align --tuples-only --command "
            SELECT (SELECT count(*) FROM pgmq.q_orchestration_step_results) + (SELECT count(*) FROM pgmq.q_orchestration_task_requests)
                + (SELECT count(*) FROM pgmq.q_orchestration_task_finalizations)") && [ "$open" = 0 ] && return
        sleep 0.5
    done
    echo "$open messages for the server are not read"
    return 1
}

as_tasker() {
    compose exec --no-TTY postgres psql --username postgres --dbname tasker --quiet --set ON_ERROR_STOP=1 --command "SET ROLE tasker_app" --command "$1"
}

# As on a machine that has the backup and the secrets, and nothing else. New tasks run beside the old ones, which have still the same results.
brings_back() {
    local file
    results_are_read && as_tasker "SELECT pgmq.create('kept'), pgmq.send('kept', '{\"n\": 42}')" && file=$(production_script ./backup) && settled_data >"$work/before" &&
        grep -F 'pgmq.q_kept|1|' "$work/before" || return 1
    observed --profile tls down --volumes && compose up --detach --wait postgres && production_script ./restore "$file" && settled_data >"$work/after" &&
        diff "$work/before" "$work/after" && runs_are_exact $((tasks_in_all + 10)) >"$work/more" && is_the_answer "$work/more" && recovers
}

refuses_no_backup() {
    : >"$work/empty" && results_are_read && settled_data >"$work/before" && says 'is no backup' production_script ./restore "$work/empty" && settled_data | diff "$work/before" -
}
