//! PostgreSQL: which programs, which user, how it is started, and how it ends.

mod cluster;
mod extension;
pub mod guard;
mod predecessor;
mod programs;
mod template;
mod user;

pub use cluster::{Cluster, Durability};
pub use extension::{install as install_extension, PGMQ_SQL, PGMQ_VERSION};
pub use predecessor::wait_for_end as wait_for_predecessor;
pub use programs::Programs;
pub use template::ready_made;
pub use user::RunAs;

/// The role, its password and the database of every stack. All of it listens on loopback only.
pub const USER: &str = "tasker";
/// See [`USER`].
pub const PASSWORD: &str = "tasker";
/// See [`USER`].
pub const DATABASE: &str = "tasker";

/// The URL of a database of ours.
pub fn url(port: u16, database: &str) -> String {
    format!("postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/{database}")
}
