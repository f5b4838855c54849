//! What can go wrong, in words for the person at the terminal: what happened, where, and what to do.

use std::path::PathBuf;

use crate::invocation::typed;

/// A failure with its cause and its fix. Everything else is an internal error and travels as [`anyhow::Error`].
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// No PostgreSQL programs were found.
    #[error(
        "PostgreSQL 18 was not found (looked in --postgres-bin, TASKER_DEV_POSTGRES_BIN, .xtask/tools and PATH).\n\
         fix: run `cargo xtask setup` in a checkout of tasker-contrib, or pass --postgres-bin with the directory of `initdb` and `postgres`."
    )]
    PostgresMissing,
    /// The given directory has no PostgreSQL in it.
    #[error("there is no `{program}` in {path}.\nfix: pass --postgres-bin with the `bin` directory of PostgreSQL 18 or later.")]
    NotAPostgresBin {
        /// The directory looked into.
        path: PathBuf,
        /// The program that is missing.
        program: &'static str,
    },
    /// The programs are older than Core's migrations need.
    #[error(
        "PostgreSQL {found} in {path} is too old: Tasker needs 18 or later (its migrations use uuidv7()).\n\
         fix: run `cargo xtask setup` in a checkout of tasker-contrib, which fetches one, or pass --postgres-bin with a newer one."
    )]
    PostgresTooOld {
        /// The version that was found.
        found: String,
        /// Where it was found.
        path: PathBuf,
    },
    /// A port that was asked for is in use.
    #[error("port {port} on 127.0.0.1 is in use ({option}).\nfix: stop the program that listens there, or use {option} 0 for a free port.")]
    PortTaken {
        /// The port asked for.
        port: u16,
        /// The option that asked for it.
        option: &'static str,
    },
    /// Another instance holds the data directory.
    #[error("{path} is in use by another tasker-dev (process {pid}).\nfix: stop that process, or use another --data-dir.")]
    DataDirInUse {
        /// The data directory.
        path: PathBuf,
        /// The process that holds it.
        pid: String,
    },
    /// The directory was not made by us, so we do not touch it.
    #[error(
        "{path} is not empty and was not made by tasker-dev; nothing in it was changed.\n\
         fix: use a new or empty directory as --data-dir."
    )]
    ForeignDataDir {
        /// The directory.
        path: PathBuf,
    },
    /// `reset` was given something that is not there.
    #[error("{path} is not a directory, so there is nothing to empty.\nfix: give the directory that you gave to `{}`.", typed("up --data-dir"))]
    NoDataDir {
        /// What was given.
        path: PathBuf,
    },
    /// The directory cannot be made or looked into.
    #[error("{path} cannot be used as a data directory: {why}.\nfix: use a directory that you can write to, or one that does not exist yet.")]
    UnusableDataDir {
        /// What was given.
        path: PathBuf,
        /// The system's reason.
        why: std::io::Error,
    },
    /// The data was written by another major version of PostgreSQL.
    #[error(
        "the data in {path} was made by PostgreSQL {theirs}, and this is PostgreSQL {ours}; nothing in it was changed.\n\
         fix: pass --postgres-bin with PostgreSQL {theirs}, or start over with `{}`.",
        typed(&format!("reset --data-dir {}", path.display()))
    )]
    DataDirVersion {
        /// The data directory.
        path: PathBuf,
        /// The major version that made it.
        theirs: String,
        /// The major version at hand.
        ours: String,
    },
    /// The database URL is not of the form Core accepts.
    #[error("--database-url {shown} is not a URL that Tasker Core accepts: {why}.\nfix: write it as {form}.")]
    BadDatabaseUrl {
        /// The URL without its password.
        shown: String,
        /// What is wrong with it.
        why: String,
        /// The accepted form.
        form: &'static str,
    },
    /// The external database does not answer.
    #[error("cannot connect to the database {shown} (--database-url): {why}.\nfix: {fix}.")]
    DatabaseUnreachable {
        /// The URL without its password.
        shown: String,
        /// What happened.
        why: String,
        /// What to do about that.
        fix: String,
    },
    /// The external database is too old.
    #[error("the database {shown} (--database-url) is PostgreSQL {found}; Tasker needs 18 or later.\nfix: use a newer server, or leave --database-url out.")]
    DatabaseTooOld {
        /// The URL without its password.
        shown: String,
        /// The version found.
        found: String,
    },
    /// The external database has no PGMQ.
    #[error(
        "the database {shown} (--database-url) does not have the extension pgmq.\n\
         fix: run `{}`, which installs it as SQL, or leave --database-url out and let tasker-dev run a database.",
        typed("migrate --database-url URL")
    )]
    NoPgmq {
        /// The URL without its password.
        shown: String,
    },
    /// A migration failed.
    #[error("a migration of {shown} failed: {why}.\nfix: {fix}")]
    Migration {
        /// The URL without its password.
        shown: String,
        /// The migrator's words.
        why: String,
        /// What to do, which depends on whose database it is.
        fix: String,
    },
    /// PostgreSQL did not start or did not stay.
    #[error("PostgreSQL {what}; last log lines:\n{log}\nfix: {fix}")]
    Postgres {
        /// What happened.
        what: String,
        /// The end of its log.
        log: String,
        /// What to do.
        fix: &'static str,
    },
    /// The server did not start.
    #[error("Tasker's orchestration server did not start: {why}\nfix: run again with --log-level info to see each step of the start.")]
    Server {
        /// Core's words.
        why: String,
    },
    /// `psql` and `config` need a running stack.
    #[error(
        "no stack is running{hint}.\nfix: start one with `{}`{others}.",
        typed("up")
    )]
    NoInstance {
        /// Which one was looked for.
        hint: String,
        /// The ones that are running, if there are any.
        others: String,
    },
    /// Several stacks are running, and the command needs one.
    #[error(
        "{count} stacks are running, and any of them could be meant:\n{list}\n\
         fix: type one of these lines, or set TASKER_ORCHESTRATION_URL to the address of the stack that you mean."
    )]
    ManyInstances {
        /// How many.
        count: usize,
        /// One line for each.
        list: String,
    },
    /// A server does not say that it is ready.
    #[error("{url} is not ready: {why}.\nfix: look at the server's log.")]
    NotReady {
        /// What was asked.
        url: String,
        /// What came back.
        why: String,
    },
    /// psql is not installed.
    #[error("psql is not installed.\nfix: install it (Debian: apt-get install postgresql-client), or open this URL with another client:\n  {url}")]
    NoPsql {
        /// The database of the stack.
        url: String,
    },
    /// Root cannot hand a directory to the user that PostgreSQL runs as.
    #[error(
        "PostgreSQL refuses to run as root, so it runs as user {user}, and that user has no access to {path}: {folder} does not let it pass.\n\
         fix: `chmod o+x {folder}`, use another directory, or run as an ordinary user."
    )]
    NotReachableForUser {
        /// The unprivileged user.
        user: String,
        /// The directory.
        path: PathBuf,
        /// The folder above that is closed to others.
        folder: PathBuf,
    },
    /// A directory we write into belongs to somebody else.
    #[error("{path} is not safe to use: {why}.\nfix: remove it, or set TMPDIR to a directory of your own.")]
    UnsafeDirectory {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// A database URL without its password, for messages.
pub fn without_password(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) if parsed.scheme().starts_with("postgres") => {
            if parsed.password().is_some() {
                // Fails only for URLs that cannot have a password.
                let _ = parsed.set_password(Some("***"));
            }
            parsed.to_string()
        }
        // Whatever it is, it may hold a secret.
        _ => "(not a PostgreSQL URL)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn a_password_never_reaches_a_message() {
        assert_eq!(
            without_password("postgresql://me:secret@db:5432/app"),
            "postgresql://me:***@db:5432/app"
        );
        assert_eq!(
            without_password("me:secret@nowhere"),
            "(not a PostgreSQL URL)"
        );
    }
}
