//! What can go wrong, in words for the person at the terminal: what happened, where, and what to do.

use std::path::PathBuf;

/// A failure with its cause and its fix. Everything else is an internal error and travels as [`anyhow::Error`].
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// No PostgreSQL programs were found.
    #[error(
        "PostgreSQL 18 was not found (looked in --postgres-bin, TASKER_DEV_POSTGRES_BIN, .xtask/tools and PATH).\n\
         Fix: run `cargo xtask setup` in a checkout of tasker-contrib, or pass --postgres-bin with the directory that holds `initdb` and `postgres`."
    )]
    PostgresMissing,
    /// The given directory holds no PostgreSQL.
    #[error("{path} holds no `{program}`.\nFix: pass --postgres-bin with the `bin` directory of PostgreSQL 18 or later.")]
    NotAPostgresBin {
        /// The directory looked into.
        path: PathBuf,
        /// The program that is missing.
        program: &'static str,
    },
    /// The programs are older than Core's migrations need.
    #[error(
        "PostgreSQL {found} at {path} is too old: Tasker needs 18 or later (its migrations use uuidv7()).\n\
         Fix: run `cargo xtask setup` in a checkout of tasker-contrib, which fetches one, or pass --postgres-bin with a newer one."
    )]
    PostgresTooOld {
        /// The version that was found.
        found: String,
        /// Where it was found.
        path: PathBuf,
    },
    /// A port of ours is in use.
    #[error("Port {port} on 127.0.0.1 is taken ({option}).\nFix: stop the program that listens there, or use {option} 0 for a free port.")]
    PortTaken {
        /// The port asked for.
        port: u16,
        /// The option that asked for it.
        option: &'static str,
    },
    /// Another instance holds the data directory.
    #[error("{path} is in use by another tasker-dev (process {pid}).\nFix: stop that one, or use another --data-dir.")]
    DataDirInUse {
        /// The data directory.
        path: PathBuf,
        /// The process that holds it.
        pid: String,
    },
    /// The directory was not made by us, so we do not touch it.
    #[error(
        "{path} is not empty and was not made by tasker-dev; nothing in it was changed.\n\
         Fix: use a new or empty directory as --data-dir."
    )]
    ForeignDataDir {
        /// The directory.
        path: PathBuf,
    },
    /// `reset` was given something that is not there.
    #[error("{path} is no directory, so there is nothing to empty.\nFix: name the directory that was given to `up --data-dir`.")]
    NoDataDir {
        /// What was given.
        path: PathBuf,
    },
    /// The directory cannot be made or looked into.
    #[error("{path} cannot be a data directory: {why}.\nFix: use a directory that you may write to, or one that does not exist yet in a folder that does.")]
    UnusableDataDir {
        /// What was given.
        path: PathBuf,
        /// The system's reason.
        why: std::io::Error,
    },
    /// The data was written by another major version of PostgreSQL.
    #[error(
        "{path} was made by PostgreSQL {theirs}, and this one is {ours}; nothing in it was changed.\n\
         Fix: pass --postgres-bin with PostgreSQL {theirs}, or start afresh with `tasker-dev reset --data-dir {path}`."
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
    #[error("--database-url {shown} is not a URL that Tasker Core accepts: {why}.\nFix: write it as {form}.")]
    BadDatabaseUrl {
        /// The URL without its password.
        shown: String,
        /// What is wrong with it.
        why: String,
        /// The accepted form.
        form: &'static str,
    },
    /// The external database does not answer.
    #[error("The database {shown} (--database-url) cannot be reached: {why}.\nFix: start it, or check host, port, user and password.")]
    DatabaseUnreachable {
        /// The URL without its password.
        shown: String,
        /// The driver's words.
        why: String,
    },
    /// The external database is too old.
    #[error("The database {shown} (--database-url) is PostgreSQL {found}; Tasker needs 18 or later.\nFix: use a newer server, or leave --database-url out.")]
    DatabaseTooOld {
        /// The URL without its password.
        shown: String,
        /// The version found.
        found: String,
    },
    /// The external database has no PGMQ.
    #[error(
        "The database {shown} (--database-url) does not offer the extension pgmq.\n\
         Fix: install PGMQ on that server (it is pure SQL), or leave --database-url out and let tasker-dev run one."
    )]
    NoPgmq {
        /// The URL without its password.
        shown: String,
    },
    /// A migration failed.
    #[error("Migrating {shown} failed: {why}.\nFix: {fix}")]
    Migration {
        /// The URL without its password.
        shown: String,
        /// The migrator's words.
        why: String,
        /// What to do, which depends on whose database it is.
        fix: String,
    },
    /// PostgreSQL did not start or did not stay.
    #[error("PostgreSQL {what}; its last words:\n{log}\nFix: {fix}")]
    Postgres {
        /// What happened.
        what: String,
        /// The end of its log.
        log: String,
        /// What to do.
        fix: &'static str,
    },
    /// The server did not start.
    #[error("Tasker's orchestration server did not start: {why}\nFix: run again with --log-level info to see each step of its start.")]
    Server {
        /// Core's words.
        why: String,
    },
    /// `psql` and `config` need a running stack.
    #[error(
        "No running stack was found{hint}.\nFix: start one with `tasker-dev up`{alternative}."
    )]
    NoInstance {
        /// Which one was looked for.
        hint: String,
        /// Another way out, if the command has one.
        alternative: &'static str,
    },
    /// Several stacks run, and the command needs one.
    #[error("Several stacks run:\n{list}\nFix: name one with --data-dir, or stop the others.")]
    ManyInstances {
        /// One line for each.
        list: String,
    },
    /// psql is not installed.
    #[error("psql is not installed.\nFix: install it (Debian: apt-get install postgresql-client), or open this URL with another client:\n  {url}")]
    NoPsql {
        /// The database of the stack.
        url: String,
    },
    /// Root cannot hand a directory to the user that PostgreSQL runs as.
    #[error(
        "PostgreSQL refuses to run as root, so it runs as user {user}, and that user cannot enter {path}.\n\
         Fix: use a directory outside root's home (for example /var/lib/tasker-dev), or run as an ordinary user."
    )]
    NotReachableForUser {
        /// The unprivileged user.
        user: String,
        /// The directory.
        path: PathBuf,
    },
    /// A directory we write into belongs to somebody else.
    #[error("{path} is not safe to use: {why}.\nFix: remove it, or set TMPDIR to a directory of your own.")]
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
