# Part of ./run: fifty tasks on the production stack while its containers are killed in the middle.

tasks_in_all=50

# The app's own rows, and what the app says, as the ETL example's chaos compares them.
runs_are_exact() {
    compose run --rm --no-deps --no-TTY worker python -m e2e.chaos "$1" --app http://worker:8000
}

is_the_answer() {
    diff <(python3 -m json.tool --sort-keys examples/etl-pipeline/scenarios/chaos.answer.json) <(python3 -m json.tool --sort-keys "$1")
}

# The number of tasks; while PostgreSQL is away there is no answer.
tasks() {
    local count
    count=$(docker exec "$project-postgres-1" psql --username postgres --dbname tasker --no-align --tuples-only --command "SELECT count(*) FROM tasker.tasks ${1:-}" 2>/dev/null) || count=0
    echo "$count"
}

wait_for_tasks() {
    until [ "$(tasks)" -ge "$1" ]; do kill -0 "$client" || { echo "the client has ended before $1 tasks"; return 1; }; done
    echo "$(date +%T) after $(tasks) tasks, of which $(tasks 'WHERE complete') are complete, $2 is killed"
}

# kill_after NUMBER CONTAINER: a crash, as the kernel would do it. The engine starts the container again; after `docker kill` it does not.
kill_after() {
    wait_for_tasks "$@" && kill -9 "$(docker inspect --format '{{.State.Pid}}' "$project-$2")"
}

# has_returned CONTAINER: within a minute. More than once, if the database was away when it started.
has_returned() {
    local _
    for _ in $(seq 120); do
        [[ "$(docker inspect --format '{{.RestartCount}} {{.State.Health.Status}}' "$project-$1")" =~ ^[1-9][0-9]*\ healthy$ ]] && return
        sleep 0.5
    done
    docker inspect --format '{{.Name}} was restarted {{.RestartCount}} times; its state: {{json .State}}' "$project-$1"
    return 1
}

# The last one does not come back: what it had begun is the other worker's.
survives_kills() {
    local client
    runs_are_exact "$tasks_in_all" >"$work/chaos" &
    client=$!
    kill_after 5 worker-2 && kill_after 15 postgres-1 && kill_after 25 server-1 && wait_for_tasks 35 worker-1 && docker kill "$project-worker-1" || return 1
    [ "$(tasks 'WHERE complete')" -lt "$tasks_in_all" ] || { echo "every task had ended before the last kill"; return 1; }
    wait "$client" && is_the_answer "$work/chaos" && has_returned worker-2 && has_returned postgres-1 && has_returned server-1 &&
        [ "$(docker inspect --format '{{.State.Status}}' "$project-worker-1")" = exited ]
}
