//! From what is in a database to what has to be done, or to the reason why not.

use super::error::{ways, MigrateError};
use super::facts::{quoted, Book, Content, Facts, Server};
use super::statements::{self, Install};
use crate::cli::PgmqChoice;

const OLDEST: i32 = 170_000;
/// From this version on PGMQ makes the column itself that Core's event trigger adds.
const OLDEST_WITHOUT_TRIGGER: [u64; 3] = [1, 5, 1];
const CORE: &str = env!("TASKER_CORE_VERSION");

/// What has to be done.
#[derive(Debug)]
pub struct Plan {
    /// Versions of the migrations that have not run.
    pub pending: Vec<i64>,
    /// How PGMQ gets there.
    pub install: Install,
    /// PostgreSQL before 18 needs a function first.
    pub make_uuidv7: bool,
    /// The event trigger is missing, and this role can make one for sure.
    pub make_trigger: bool,
    /// Core names its functions without their schema, so a role has to look in `tasker`.
    pub set_path: bool,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty() && !self.make_trigger && !self.set_path
    }
}

/// Decides.
///
/// # Errors
/// Why this database is not touched.
pub fn plan(facts: &Facts, pgmq: PgmqChoice, shown: &str) -> Result<Plan, MigrateError> {
    check_server(&facts.server, shown)?;
    check_books(facts, shown)?;
    let install = choose(&facts.content, pgmq, shown)?;
    let done: Vec<i64> = facts
        .ours()
        .into_iter()
        .flat_map(|book| &book.rows)
        .map(|row| row.version)
        .collect();
    let pending: Vec<i64> = statements::all()
        .map(|migration| migration.version)
        .filter(|version| !done.contains(version))
        .collect();
    if !pending.is_empty() {
        check_rights(facts, install, shown)?;
    }
    Ok(Plan {
        make_uuidv7: !facts.content.has_uuidv7,
        make_trigger: !facts.content.has_trigger && facts.server.is_superuser,
        set_path: !facts.server.looks_in_tasker,
        pending,
        install,
    })
}

fn check_server(server: &Server, shown: &str) -> Result<(), MigrateError> {
    let shown = shown.to_owned();
    if server.number < OLDEST {
        let found = server.version.clone();
        return Err(MigrateError::TooOld { shown, found });
    }
    if server.is_standby {
        let why = "it is a standby";
        let fix = "use the address of the primary";
        return Err(MigrateError::ReadOnly { shown, why, fix });
    }
    if server.is_read_only {
        let why = "default_transaction_read_only is on";
        let fix = "switch it off for this role and database";
        return Err(MigrateError::ReadOnly { shown, why, fix });
    }
    Ok(())
}

fn check_books(facts: &Facts, shown: &str) -> Result<(), MigrateError> {
    let foreign = |what: String| {
        let shown = shown.to_owned();
        Err(MigrateError::Foreign { shown, what })
    };
    if let Some(book) = facts.ours() {
        return check_book(book, shown);
    }
    let used = |book: &&Book| book.schema == "public" && !book.rows.is_empty();
    if facts.books.iter().any(|book| used(&book)) {
        return foreign(
            "public._sqlx_migrations lists the migrations of another application".to_owned(),
        );
    }
    if facts.content.in_tasker > 0 {
        return foreign("the schema tasker has objects that are not Tasker's".to_owned());
    }
    if facts.content.in_pgmq > 0 && !facts.content.has_pgmq {
        return foreign("the schema pgmq has objects that are not PGMQ's".to_owned());
    }
    Ok(())
}

fn check_book(book: &Book, shown: &str) -> Result<(), MigrateError> {
    let last = statements::all().map(|migration| migration.version).max();
    let last = last.unwrap_or_default();
    let different = |version: i64, how: &'static str| {
        let shown = shown.to_owned();
        Err(MigrateError::Different {
            shown,
            version,
            how,
            core: CORE,
        })
    };
    for row in book.rows.iter().rev() {
        let version = row.version;
        match statements::all().find(|migration| migration.version == version) {
            None if version > last => {
                let shown = shown.to_owned();
                return Err(MigrateError::Newer {
                    shown,
                    version,
                    last,
                    core: CORE,
                });
            }
            None => return different(version, "there is no such one"),
            Some(migration) if *migration.checksum != row.checksum => {
                return different(version, "it has another text")
            }
            Some(_) if !row.success => {
                return different(version, "it was not finished, which does not happen")
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn choose(content: &Content, asked: PgmqChoice, shown: &str) -> Result<Install, MigrateError> {
    let refuse = |asked, why: &str, fix: &str| {
        Err(MigrateError::Pgmq {
            shown: shown.to_owned(),
            asked,
            why: why.to_owned(),
            fix: fix.to_owned(),
        })
    };
    match asked {
        PgmqChoice::Auto if content.has_pgmq => Ok(Install::No),
        PgmqChoice::Auto if content.offered.is_some() => Ok(Install::Extension),
        PgmqChoice::Auto => Ok(Install::Sql),
        PgmqChoice::Extension if content.extension.is_some() => Ok(Install::No),
        PgmqChoice::Extension if content.has_pgmq => refuse(
            "extension",
            "PGMQ is there, installed as SQL",
            "leave --pgmq out; both are the same SQL",
        ),
        PgmqChoice::Extension if content.offered.is_some() => Ok(Install::Extension),
        PgmqChoice::Extension => refuse(
            "extension",
            "the server does not offer the extension pgmq",
            "install PGMQ's files on the server, or use --pgmq sql, which works without them",
        ),
        PgmqChoice::Sql if content.extension.is_some() => refuse(
            "sql",
            "PGMQ is there, installed as an extension",
            "leave --pgmq out; both are the same SQL",
        ),
        PgmqChoice::Sql if content.has_pgmq => Ok(Install::No),
        PgmqChoice::Sql => Ok(Install::Sql),
    }
}

fn check_rights(facts: &Facts, install: Install, shown: &str) -> Result<(), MigrateError> {
    let (server, content) = (&facts.server, &facts.content);
    let (role, database) = (quoted(&server.role), quoted(&server.database));
    let mut lacks = Vec::new();
    let needs_schema = content.may_use_tasker.is_none() || install != Install::No;
    if needs_schema && !server.may_create {
        lacks.push(format!(
            "CREATE on the database: `GRANT CREATE ON DATABASE {database} TO {role};`"
        ));
    }
    for (schema, may) in [
        ("public", server.may_use_public),
        ("tasker", content.may_use_tasker),
    ] {
        if may == Some(false) {
            lacks.push(format!("CREATE on the schema {schema}: `GRANT USAGE, CREATE ON SCHEMA {schema} TO {role};`"));
        }
    }
    if server.may_use_public.is_none() {
        lacks.push("a schema public: `CREATE SCHEMA public;`".to_owned());
    }
    if content.may_use_pgmq == Some(false) {
        lacks.push(format!(
            "the use of PGMQ, which somebody else installed: `GRANT USAGE, CREATE ON SCHEMA pgmq TO {role}; \
             GRANT ALL ON ALL TABLES IN SCHEMA pgmq TO {role}; GRANT ALL ON ALL SEQUENCES IN SCHEMA pgmq TO {role};`"
        ));
    }
    let version = content.extension.as_ref().or(content.offered.as_ref());
    let old = install != Install::Sql && version.is_some_and(|version| is_before_1_5_1(version));
    if old && !content.has_trigger && !server.is_superuser {
        lacks.push(format!(
            "the making of an event trigger, which PGMQ {} needs (1.5.1 and later do not): `{}`",
            version.map_or("", String::as_str),
            statements::create_trigger()
        ));
    }
    if lacks.is_empty() {
        return Ok(());
    }
    Err(MigrateError::Rights {
        shown: shown.to_owned(),
        role: server.role.clone(),
        rights: lacks
            .iter()
            .map(|line| format!("  - {line}"))
            .collect::<Vec<_>>()
            .join("\n"),
        ways: ways(),
    })
}

fn is_before_1_5_1(version: &str) -> bool {
    let parts: Vec<u64> = version
        .split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect();
    !version.is_empty() && parts.as_slice() < OLDEST_WITHOUT_TRIGGER.as_slice()
}

#[cfg(test)]
mod tests {
    use super::is_before_1_5_1;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_before_1_5_1("1.4.9") && is_before_1_5_1("0.33.0"));
        assert!(!is_before_1_5_1("1.5.1") && !is_before_1_5_1("1.11.1"));
    }
}
