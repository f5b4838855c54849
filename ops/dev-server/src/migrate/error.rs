//! Why a database is not migrated: what is in the way, where, and what to do.

/// A refusal or a failure. Nothing was changed, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// Nobody answers, or not to us.
    #[error("cannot connect to the database {shown}: {why}.\nfix: {fix}.")]
    Unreachable {
        /// The URL without its password.
        shown: String,
        /// What happened.
        why: String,
        /// What to do about that.
        fix: String,
    },
    /// A pooler that gives each transaction another connection.
    #[error(
        "{shown} is a connection pooler in transaction mode: its connections change the server process; nothing was changed.\n\
         It gives every transaction another connection. The lock that keeps two migrations apart and Tasker's LISTEN belong to one connection, \
         so both would be lost.\n\
         fix: use the address of PostgreSQL itself, or a pool in session mode; Tasker's server and workers need that, too."
    )]
    Pooler {
        /// The URL without its password.
        shown: String,
    },
    /// Before version 17.
    #[error("the database {shown} is PostgreSQL {found}; Tasker needs 17 or later.\nfix: upgrade the server, or use another one.")]
    TooOld {
        /// The URL without its password.
        shown: String,
        /// The version found.
        found: String,
    },
    /// A standby, or a database that is read-only by a setting.
    #[error("the database {shown} is read-only ({why}).\nfix: {fix}.")]
    ReadOnly {
        /// The URL without its password.
        shown: String,
        /// What makes it so.
        why: &'static str,
        /// What to do.
        fix: &'static str,
    },
    /// A later Tasker was here.
    #[error(
        "the database {shown} was migrated by a newer Tasker: it has migration {version}, and this tasker-dev (Tasker Core {core}) ends at {last}; \
         nothing was changed.\n\
         fix: use the tasker-dev of that version. There is no way back to an older schema but a backup."
    )]
    Newer {
        /// The URL without its password.
        shown: String,
        /// The newest migration of the database.
        version: i64,
        /// The newest one of this program.
        last: i64,
        /// Our Core's version.
        core: &'static str,
    },
    /// The same number, but another text.
    #[error(
        "the database {shown} has migration {version}, but {how} in Tasker Core {core}; nothing was changed.\n\
         fix: use the tasker-dev of the version that migrated it, or an empty database."
    )]
    Different {
        /// The URL without its password.
        shown: String,
        /// The migration.
        version: i64,
        /// What is different.
        how: &'static str,
        /// Our Core's version.
        core: &'static str,
    },
    /// What Tasker would make is there, and somebody else made it.
    #[error(
        "the database {shown} holds something else: {what}; nothing was changed.\n\
         fix: use a database of Tasker's own (`CREATE DATABASE tasker`), or correct --database-url. Other schemas beside Tasker's are no problem."
    )]
    Foreign {
        /// The URL without its password.
        shown: String,
        /// What is in the way.
        what: String,
    },
    /// The role may not do what has to be done.
    #[error("the role {role} may not migrate {shown}; nothing was changed. It lacks:\n{rights}\nfix: {ways}")]
    Rights {
        /// The URL without its password.
        shown: String,
        /// Who we are.
        role: String,
        /// Each right with the statement that grants it.
        rights: String,
        /// Who can grant it.
        ways: String,
    },
    /// `--pgmq` asks for what is not possible.
    #[error("--pgmq {asked} is not possible on {shown}: {why}; nothing was changed.\nfix: {fix}.")]
    Pgmq {
        /// The URL without its password.
        shown: String,
        /// The option's value.
        asked: &'static str,
        /// What is in the way.
        why: String,
        /// What to do.
        fix: String,
    },
    /// A statement failed; the migration that it is part of was rolled back.
    #[error(
        "migration {version} of {shown} failed: {why}.\nIt was rolled back; {done}.\nfix: {fix}"
    )]
    Statement {
        /// The URL without its password.
        shown: String,
        /// Which migration.
        version: String,
        /// PostgreSQL's words.
        why: String,
        /// What is there already.
        done: String,
        /// What to do.
        fix: String,
    },
}

/// Who can grant what a managed database gives to nobody else.
pub fn ways() -> String {
    "have it done by somebody who may: on a server of your own a superuser (postgres); on Amazon RDS and Aurora the master user \
     (rds_superuser); on Cloud SQL a user with cloudsqlsuperuser, such as postgres; on Azure the server's administrator (azure_pg_admin)."
        .to_owned()
}
