//! The PGMQ extension, carried in the binary and laid out where PostgreSQL 18 looks for extensions of a cluster.

use std::fs;
use std::path::{Path, PathBuf};

/// The version that `CREATE EXTENSION pgmq` installs.
pub const PGMQ_VERSION: &str = env!("PGMQ_VERSION");

const CONTROL: &str = include_str!(concat!(env!("OUT_DIR"), "/pgmq.control"));
/// What the extension consists of. It also installs PGMQ without being one.
pub const PGMQ_SQL: &str = include_str!(concat!(env!("OUT_DIR"), "/pgmq.sql"));

/// Writes the extension below `folder` and returns the value of `extension_control_path` that finds it.
pub fn install(folder: &Path) -> std::io::Result<String> {
    let place: PathBuf = folder.join("extension");
    fs::create_dir_all(&place)?;
    fs::write(place.join("pgmq.control"), CONTROL)?;
    fs::write(place.join(format!("pgmq--{PGMQ_VERSION}.sql")), PGMQ_SQL)?;
    Ok(format!("$system:{}", folder.display()))
}
