# Part of ./run: Caddy in front of the production stack, with a certificate of its own authority, because no other gives one for this name.

domain=tasker.localhost

# The commands are those of docs/guides/deploy-with-docker.md.
starts_tls() {
    local image
    image=$(compose --profile tls config --images | grep '^caddy:') || return 1
    (cat "$production/secrets/api_password" && echo) | docker run --rm --interactive "$image" caddy hash-password >"$production/secrets/api_password_hash" &&
        compose --profile tls up --detach --wait && compose --profile tls cp caddy:/data/caddy/pki/authorities/local/root.crt "$work/root.crt"
}

# answers STATUS URL ARGUMENT…: curl knows no other authority.
answers() {
    local wanted=$1 url=$2 status http https
    shift 2
    http=$(compose --profile tls port caddy 80) && https=$(compose --profile tls port caddy 443) || return 1
    status=$(curl --silent --show-error --path-as-is --output "$work/body" --write-out '%{http_code} %{redirect_url}' --cacert "$work/root.crt" \
        --connect-to "$domain:80:127.0.0.1:${http##*:}" --connect-to "$domain:443:127.0.0.1:${https##*:}" "$@" "$url") || return 1
    [ "$status" = "$wanted" ] || { echo "$url answers '$status', not '$wanted'"; head -c 300 "$work/body"; return 1; }
}

asks_for_a_password() {
    local password
    password=$(cat "$production/secrets/api_password")
    answers '401 ' "https://$domain/health/ready" && answers '401 ' "https://$domain/health/ready" --user tasker:wrong &&
        answers '200 ' "https://$domain/health/ready" --user "tasker:$password" && grep -F '"pgmq_pool"' "$work/body"
}

redirects() {
    answers "308 https://$domain/health/ready" "http://$domain/health/ready"
}

# The server has them, and Prometheus reads them from inside.
keeps_metrics() {
    local path
    compose exec --no-TTY worker python3 -c 'import urllib.request as r; r.urlopen("http://server:8080/metrics", timeout=5)' || return 1
    for path in metrics /metrics METRICS %6detrics x/../metrics metrics/; do
        answers '404 ' "https://$domain/$path" --user "tasker:$(cat "$production/secrets/api_password")" || return 1
    done
}
