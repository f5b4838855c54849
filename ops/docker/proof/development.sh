# Part of ./run: the development stack with an application whose source is mounted.

development() {
    docker compose --project-name tasker-developing --project-directory ops/docker/development --file ops/docker/development/compose.yaml \
        --file ops/docker/development/app.yaml --file ops/docker/proof/development.yaml "$@"
}

# As a fresh clone does it, but for the ports.
develops() {
    cp -r examples/etl-pipeline/fastapi "$work/source" && chmod -R a+rX "$work/source" || return 1
    export POSTGRES_PORT=0 TASKER_PORT=0 APP_PORT=0 APP_IMAGE=etl-worker:proof APP_SOURCE=$work/source
    export APP_COMMAND='sh -c "alembic upgrade head && exec uvicorn app.main:app --host 0.0.0.0 --port 8000 --reload"'
    development up --detach --wait && development exec --no-TTY app python -m e2e.chaos 1 --app http://127.0.0.1:8000
}

# reads WORDS PATH: the app's answer has the words, within a minute.
reads() {
    local _ address
    address=$(development port app 8000) || return 1
    for _ in $(seq 120); do
        curl --silent --max-time 5 "http://$address/$2" >"$work/answer" && grep -qF "$1" "$work/answer" && return
        sleep 0.5
    done
    echo "$2 does not have '$1':"
    head -c 300 "$work/answer"
    return 1
}

# The image has the old source still; the app must be ready again with the new one.
sees_a_change() {
    reads '"title":"US domestic flights"' openapi.json && sed -i 's/title="US domestic flights"/title="Flights, changed"/' "$work/source/app/main.py" &&
        reads '"title":"Flights, changed"' openapi.json && reads '"status":"ready"' tasker/ready
}

stops_developing() {
    development stop app && [ "$(docker inspect --format '{{.State.ExitCode}}' tasker-developing-app-1)" = 0 ]
    local status=$?
    development down --volumes
    unset POSTGRES_PORT APP_PORT APP_IMAGE APP_SOURCE APP_COMMAND
    return $status
}
