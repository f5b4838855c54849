//! Generated files that become a project.

use std::path::PathBuf;

/// Stands for the repository in a project's files and in checks, because the project lies elsewhere.
pub const REPOSITORY: &str = "@REPOSITORY@";

/// Generated files of several cases become one project.
#[derive(Clone, Debug)]
pub struct Assembly {
    /// The project that they are put into, if there is one.
    pub base: Option<PathBuf>,
    /// Each case: its name, the folder it was generated into, and how many files it makes.
    pub cases: Vec<(String, PathBuf, usize)>,
    pub into: PathBuf,
    /// Folder of the expected files.
    pub snapshots: PathBuf,
    /// Whether the expected files are written instead of compared.
    pub update: bool,
    /// Replaces `@REPOSITORY@` in the project's own files.
    pub repository: PathBuf,
    /// Files of the repository that the project gets, too, such as its lock file.
    pub copies: Vec<String>,
}
