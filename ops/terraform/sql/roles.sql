-- Makes the role of servers, workers and migrations, and gives it the database that it is run in. Run it as the administrator, with psql and the variable
-- app_password. A second run changes the password only.
\set ON_ERROR_STOP on
SELECT 'CREATE ROLE tasker_app LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tasker_app')
\gexec
ALTER ROLE tasker_app PASSWORD :'app_password';
-- Managed databases have no superuser: only a member of a role may give something to it.
GRANT tasker_app TO CURRENT_USER;
SELECT format('ALTER DATABASE %I OWNER TO tasker_app', current_database()), format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database())
\gexec
