//! Core's migrations as this database can run them: under their own numbers and checksums, with the few statements changed that would fail.

use std::borrow::Cow;

use sqlx::migrate::{Migration, Migrator};
use tasker_shared::database::migrator::MIGRATOR;

use crate::postgres::{PGMQ_SQL, PGMQ_VERSION};

/// The event trigger of Core's first migration.
pub const TRIGGER: &str = "pgmq_headers_compatibility_trigger";
const EXTENSION: &str = "CREATE EXTENSION IF NOT EXISTS pgmq CASCADE;";

/// What PostgreSQL 18 has built in. Core's migrations make their own function from it. The third group of digits counts parts of a
/// millisecond, as PostgreSQL's does, so ids that are made one after the other sort in that order.
const UUIDV7: &str = "
CREATE OR REPLACE FUNCTION public.uuidv7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $uuidv7$
  SELECT (lpad(to_hex(us / 1000), 12, '0') || '7' || lpad(to_hex(us % 1000 * 4096 / 1000), 3, '0')
          || substr(replace(gen_random_uuid()::text, '-', ''), 17))::uuid
  FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us) AS now
$uuidv7$;
COMMENT ON FUNCTION public.uuidv7() IS 'PostgreSQL 18 has this built in; made by tasker-dev migrate';
";

/// How PGMQ gets into the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Install {
    /// It is there.
    No,
    /// As an extension, which is what Core's migration does.
    Extension,
    /// As the SQL that this program carries.
    Sql,
}

/// Core's migrations.
pub fn all() -> impl Iterator<Item = &'static Migration> {
    MIGRATOR.iter()
}

/// The migrations, changed for a database.
pub fn migrator(install: Install, make_uuidv7: bool) -> Migrator {
    let migrations = all().map(|migration| Migration {
        sql: Cow::Owned(changed(&migration.sql, install, make_uuidv7)),
        ..migration.clone()
    });
    Migrator {
        migrations: migrations.collect(),
        ..Migrator::DEFAULT
    }
}

fn changed(sql: &str, install: Install, make_uuidv7: bool) -> String {
    let mut first = String::new();
    if make_uuidv7 {
        first.push_str(UUIDV7);
    }
    match install {
        Install::No => {}
        Install::Extension => first.push_str(EXTENSION),
        Install::Sql => {
            first.push_str(PGMQ_SQL);
            first.push_str(&format!(
                "\nCOMMENT ON SCHEMA pgmq IS 'PGMQ {PGMQ_VERSION}, installed as SQL by tasker-dev migrate';"
            ));
        }
    }
    trigger_statements(sql)
        .into_iter()
        .fold(sql.replace(EXTENSION, &first), |text, statement| {
            text.replace(statement, &if_allowed(statement))
        })
}

/// The statements that make the event trigger, for a database that was migrated by somebody who may not.
pub fn trigger() -> String {
    all()
        .flat_map(|migration| trigger_statements(&migration.sql))
        .map(if_allowed)
        .collect()
}

/// The one statement of them that needs the right, for a message.
pub fn create_trigger() -> String {
    let found = all()
        .flat_map(|migration| trigger_statements(&migration.sql))
        .find(|statement| statement.starts_with("CREATE"));
    let words: Vec<&str> = found.unwrap_or_default().split_whitespace().collect();
    words.join(" ")
}

fn trigger_statements(sql: &str) -> Vec<&str> {
    let until_its_end = |start: usize| {
        let end = sql[start..]
            .find(';')
            .map_or(sql.len(), |at| start + at + 1);
        &sql[start..end]
    };
    [
        "DROP EVENT TRIGGER",
        "CREATE EVENT TRIGGER",
        "COMMENT ON EVENT TRIGGER",
    ]
    .iter()
    .flat_map(|verb| sql.match_indices(verb))
    .map(|(start, _)| until_its_end(start))
    .collect()
}

/// Only a superuser may make an event trigger. PGMQ has needed this one no more since 1.5.1.
fn if_allowed(statement: &str) -> String {
    format!(
        "DO $tasker_dev$ BEGIN\n{statement}\nEXCEPTION WHEN insufficient_privilege OR undefined_object THEN NULL;\nEND $tasker_dev$;\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_changed_is_in_cores_migrations_once() {
        let count = |text: &str| {
            all()
                .map(|one| one.sql.matches(text).count())
                .sum::<usize>()
        };
        assert_eq!(count(EXTENSION), 1);
        let statements: Vec<&str> = all().flat_map(|one| trigger_statements(&one.sql)).collect();
        assert_eq!(statements.len(), 3);
        assert!(statements
            .iter()
            .all(|text| text.contains(TRIGGER) && text.ends_with(';')));
        assert!(
            all().all(|one| !one.no_tx),
            "a kill rolls back the whole migration"
        );
    }

    #[test]
    fn numbers_and_checksums_stay_cores() {
        for (ours, cores) in migrator(Install::Sql, true).iter().zip(all()) {
            assert_eq!(
                (ours.version, &ours.checksum),
                (cores.version, &cores.checksum)
            );
            assert!(!ours.sql.contains(EXTENSION));
        }
    }

    #[test]
    fn the_statement_of_the_message_is_one_line() {
        let line = create_trigger();
        assert!(
            line.starts_with(&format!(
                "CREATE EVENT TRIGGER {TRIGGER} ON ddl_command_end"
            )),
            "{line}"
        );
        assert!(line.ends_with("();") && !line.contains('\n'), "{line}");
    }
}
