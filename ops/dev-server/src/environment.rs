//! What a process inherits from its user and a stack must not: settings of other databases, and a strict umask.

use nix::sys::stat::{umask, Mode};

/// Variables of PostgreSQL's clients that are set; they belong to the user's other databases.
pub fn of_libpq() -> Vec<String> {
    std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("PG"))
        .collect()
}

/// Makes connections of this process depend on their URL alone. Call it before there are threads.
///
/// Core reads a file `.env` of the working folder later, which leaves alone what is set; so what matters is set, not removed.
pub fn forget_libpq() {
    for name in of_libpq() {
        std::env::remove_var(name);
    }
    std::env::set_var("PGSSLMODE", "disable");
    std::env::set_var("PGOPTIONS", "");
}

/// Lets others pass through the directories of this process. As root PostgreSQL runs as another user; what is private says so itself.
pub fn relax_umask() {
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
}
