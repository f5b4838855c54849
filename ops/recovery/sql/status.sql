with alive as (select distinct application_name as worker from pg_stat_activity where datname = current_database() and application_name like 'tkw:%')
select (select extract(epoch from clock_timestamp() - passed_at)::bigint from tasker_contrib.watch),
       (select count(*) from alive),
       (select count(*) from tasker_contrib.claims where worker like 'tkw:%'),
       (select count(*) from tasker_contrib.claims where worker like 'tkw:%' and worker not in (select worker from alive)),
       (select count(*) from tasker_contrib.claims where worker not like 'tkw:%')
