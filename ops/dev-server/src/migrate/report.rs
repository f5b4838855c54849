//! What `migrate` says: a few lines for a person, or one line of JSON.

use std::io::Write as _;

use serde_json::json;

use super::error::ways;
use super::facts::Facts;
use super::plan::Plan;
use super::statements::{self, Install, TRIGGER};
use crate::invocation::typed;
use crate::postgres::PGMQ_VERSION;

/// The exit code of `--check` when something is to be done.
pub const TO_DO: u8 = 3;

/// A migration that has ended well.
pub struct Outcome<'a> {
    pub shown: &'a str,
    pub plan: &'a Plan,
    pub before: &'a Facts,
    pub after: &'a Facts,
}

/// Says what is to be done.
pub fn checked(plan: &Plan, shown: &str, as_json: bool) -> anyhow::Result<()> {
    let pgmq = match plan.install {
        Install::No => "present",
        Install::Extension => "extension",
        Install::Sql => "sql",
    };
    if as_json {
        return line(&json!({
            "event": "check", "up_to_date": plan.is_empty(), "pending": plan.pending, "pgmq": pgmq, "event_trigger": plan.make_trigger, "search_path": plan.set_path,
        }));
    }
    let mut out = std::io::stdout().lock();
    if plan.is_empty() {
        writeln!(out, "{shown} is up to date.")?;
        return Ok(());
    }
    writeln!(out, "{shown} is to be migrated; nothing was changed.")?;
    match plan.install {
        Install::No => {}
        Install::Extension => writeln!(out, "  PGMQ           as an extension")?,
        Install::Sql => writeln!(out, "  PGMQ           {PGMQ_VERSION}, as SQL")?,
    }
    for migration in statements::all().filter(|one| plan.pending.contains(&one.version)) {
        writeln!(out, "  {} {}", migration.version, migration.description)?;
    }
    if plan.make_trigger {
        writeln!(out, "  event trigger  {TRIGGER}")?;
    }
    if plan.set_path {
        writeln!(out, "  search_path    of this role: tasker, public")?;
    }
    writeln!(out, "Do it with `{}`.", typed("migrate"))?;
    Ok(())
}

/// Says what was done.
pub fn migrated(outcome: &Outcome<'_>, as_json: bool) -> anyhow::Result<()> {
    let (plan, content) = (outcome.plan, &outcome.after.content);
    let (by, version) = match (&content.extension, &content.noted) {
        (Some(version), _) => ("extension", Some(version)),
        (None, noted) => ("sql", noted.as_ref()),
    };
    let already = statements::all().count() - plan.pending.len();
    let left_out: &[&str] = if content.has_trigger { &[] } else { &[TRIGGER] };
    if as_json {
        return line(&json!({
            "event": "migrated", "applied": plan.pending, "already": already, "left_out": left_out, "search_path_set": plan.set_path,
            "pgmq": {"by": by, "version": version}, "postgres_version": outcome.after.server.version,
            "core_version": env!("TASKER_CORE_VERSION"), "schema": outcome.after.schema(),
        }));
    }
    let made_trigger = !outcome.before.content.has_trigger && content.has_trigger;
    let did = match plan.pending.len() {
        0 if made_trigger => "has its event trigger now; its migrations had run".to_owned(),
        0 => "was up to date".to_owned(),
        1 => "is migrated: 1 migration ran".to_owned(),
        count => format!("is migrated: {count} migrations ran"),
    };
    let by = if by == "sql" {
        "installed as SQL"
    } else {
        "an extension"
    };
    writeln!(
        std::io::stdout(),
        "{} {did} (Tasker Core {}, PostgreSQL {}, PGMQ {}, {by}).",
        outcome.shown,
        env!("TASKER_CORE_VERSION"),
        outcome.after.server.version,
        version.map_or("of an unknown version", String::as_str),
    )?;
    if plan.set_path {
        writeln!(
            std::io::stdout(),
            "In this database the role {role} now looks in the schemas tasker and public: Core names its functions without their schema. If the server \
             or a worker uses another role, that one needs it, too: `ALTER ROLE … IN DATABASE {database} SET search_path = tasker, public;`",
            role = outcome.after.server.role,
            database = outcome.after.server.database,
        )?;
    }
    if !left_out.is_empty() {
        note(outcome);
    }
    Ok(())
}

fn note(outcome: &Outcome<'_>) {
    let _ = writeln!(
        std::io::stderr(),
        "note: one object was left out, because only a superuser may make an event trigger and {role} is not one. Tasker works without it: \
         it adds a column that PGMQ makes itself since 1.5.1.\n  \
         {statement}\n  \
         To have it all the same, run `{again}` again with another role, or {ways}",
        role = outcome.after.server.role,
        statement = statements::create_trigger(),
        again = typed("migrate"),
        ways = ways(),
    );
}

/// Says that another one is at work.
pub fn waiting() {
    let _ = writeln!(
        std::io::stderr(),
        "waiting for another migration of this database to end …"
    );
}

fn line(value: &serde_json::Value) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{value}")?;
    Ok(())
}
