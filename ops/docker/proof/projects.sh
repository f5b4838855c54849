# Part of ./run: a new project of the FastAPI template, as its README runs it: image, development, and production beside Tasker's production stack.

email=ann@example.org
sign_in='a password of 12 or more'

makes_project() {
    local base
    cargo xtask template new fastapi "$work/claims-desk" && base=$(sed -n 's/^ARG PYTHON=//p' "$work/claims-desk/Dockerfile") &&
        ops/docker/proof/wheels "$work/claims-desk/requirements.production.lock" "$work/wheels" &&
        docker build --quiet --network host --file ops/docker/proof/python/Dockerfile --tag "$base" "$work/wheels" &&
        (cd "$work/claims-desk" && cp .env.example .env && docker compose build web)
}

# The project's own Compose file, with the settings of its `.env`, on ports that are free.
project_development() {
    (cd "$work/claims-desk" && POSTGRES_PORT=0 TASKER_PORT=0 PORT=0 docker compose "$@")
}

project_production() {
    (cd "$work/claims-desk" && IMAGE=claims-desk:dev PORT=0 docker compose --file compose.production.yaml --file "$work/networks.yaml" "$@")
}

# is_published COMPOSE: somebody who signs in sends a document, and its workflow publishes it within a minute.
is_published() {
    local address token document _
    address=$("$1" port web 8000) || return 1
    token=$(curl --silent --fail-with-body "http://$address/token" -d "username=$email" --data-urlencode "password=$sign_in" | python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])') &&
        document=$(curl --silent --fail-with-body "http://$address/documents" -H "Authorization: Bearer $token" -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" -F file=@ops/docker/README.md |
            python3 -c 'import json,sys; print(json.load(sys.stdin)["id"])') || return 1
    for _ in $(seq 120); do
        curl --silent --max-time 5 "http://$address/documents/$document" -H "Authorization: Bearer $token" >"$work/answer"
        grep -qE '"status":"(published|waiting_for_review)"' "$work/answer" && return
        sleep 0.5
    done
    cat "$work/answer"
    return 1
}

# stop_with_0 COMPOSE SERVICE…: after SIGTERM.
stop_with_0() {
    local service compose=$1 code
    shift
    "$compose" stop "$@" || return 1
    for service in "$@"; do
        code=$(docker inspect --format '{{.State.ExitCode}}' "$("$compose" ps --all --quiet "$service")")
        [ "$code" = 0 ] || { echo "$service ends with $code"; "$compose" logs --tail 20 "$service"; return 1; }
    done
}

project_runs() {
    project_development up --detach --wait && project_development exec -T web python -m app.users "$email" --reviewer <<<"$sign_in" &&
        is_published project_development && stop_with_0 project_development web worker
    local status=$?
    project_development down --volumes
    return $status
}

# Its own database and role in the production stack's PostgreSQL, and a file for each secret.
prepares_production() {
    local secrets=$work/claims-desk/secrets password
    password=$(openssl rand -hex 20)
    printf 'networks:\n  database: {name: %s_database}\n  tasker: {name: %s_tasker}\n' "$project" "$project" >"$work/networks.yaml"
    compose exec --no-TTY postgres psql --username postgres --quiet --command "CREATE ROLE claims_desk LOGIN PASSWORD '$password'" \
        --command 'CREATE DATABASE claims_desk OWNER claims_desk' || return 1
    mkdir -p "$secrets"
    echo "postgresql://tasker_app:$(cat "$production/secrets/tasker_password")@postgres:5432/tasker" >"$secrets/database_url"
    echo "postgresql://claims_desk:$password@postgres:5432/claims_desk" >"$secrets/app_database_url"
    openssl rand -hex 32 >"$secrets/jwt_secret"
    chmod 444 "$secrets"/*
}

# Nothing starts with the secret that everybody knows.
project_refuses_its_example() {
    local secret=$work/claims-desk/secrets/jwt_secret good
    good=$(cat "$secret") && chmod 644 "$secret" && sed -n 's/^JWT_SECRET=//p' "$work/claims-desk/.env.example" >"$secret" &&
        says "didn't complete successfully" project_production up --detach --wait && project_production logs migrate | grep -F 'JWT_SECRET has its example value'
    local status=$?
    echo "$good" >"$secret"
    return $status
}

project_runs_in_production() {
    project_production up --detach --wait && project_production run --rm -T web python -m app.users "$email" --reviewer <<<"$sign_in" &&
        is_published project_production && stop_with_0 project_production web worker
    local status=$?
    project_production down --volumes
    return $status
}
