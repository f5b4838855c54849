# Run once, when the data directory is made: Tasker's own role, which owns its database and is no superuser.
tasker_password=$(cat /run/secrets/tasker_password)
psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --set password="$tasker_password" --username postgres --dbname postgres <<'SQL'
CREATE ROLE tasker_app LOGIN PASSWORD :'password';
CREATE DATABASE tasker OWNER tasker_app;
REVOKE CONNECT ON DATABASE tasker FROM PUBLIC;
SQL
unset tasker_password
