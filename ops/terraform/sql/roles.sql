-- Makes the roles of Tasker, and gives them the database that it is run in. Run it as the administrator, with psql, before the first migration. A second run
-- changes passwords only.
--
-- With the variable app_password alone there is one role, tasker_app: it owns the database, migrates it, and is that of servers and workers. With migrate_password
-- as well there are two: tasker_migrate owns and migrates the database and installs recovery, and tasker_app may read and write, and make queues.
\set ON_ERROR_STOP on
\if :{?migrate_password}
\set owner tasker_migrate
\else
\set owner tasker_app
\set migrate_password ''
\endif
SELECT format('CREATE ROLE %I LOGIN', name) FROM unnest(ARRAY['tasker_app', :'owner']) AS name WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) GROUP BY name
\gexec
ALTER ROLE tasker_app PASSWORD :'app_password';
SELECT :'owner' = 'tasker_migrate' AS two
\gset
-- Managed databases have no superuser: only a member of a role may give something to it.
GRANT :"owner" TO CURRENT_USER;
SELECT format('ALTER DATABASE %I OWNER TO %I', current_database(), :'owner'), format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database())
\gexec
\if :two
ALTER ROLE tasker_migrate PASSWORD :'migrate_password';
-- Core names its functions without their schema.
SELECT format('GRANT CONNECT ON DATABASE %I TO tasker_app', current_database()), format('ALTER ROLE tasker_app IN DATABASE %I SET search_path = tasker, public', current_database())
\gexec
SET ROLE tasker_migrate;
-- Servers and workers make their queues themselves, and own them: a queue is a table.
CREATE SCHEMA IF NOT EXISTS pgmq;
GRANT USAGE, CREATE ON SCHEMA pgmq TO tasker_app;
-- Whatever a migration makes.
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO tasker_app;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tasker_app;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO tasker_app;
RESET ROLE;
\endif
