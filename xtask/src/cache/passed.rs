//! Things that passed as a whole, such as plugins: they are not proven again while everything they depend on is as it was then.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::key::{digest, to_hex, Common, Part, State};
use super::store::FOLDER;
use super::versions;
use crate::environment::Environment;
use crate::error::Result;
use crate::file::write;
use crate::git::Files;
use crate::repo::inputs::Inputs;
use crate::repo::Repo;
use crate::tools::Tools;

/// What passes, and what it depends on besides xtask, the environment and the source of Tasker Core.
pub struct Subject<'a> {
    /// Its unit's folder.
    pub folder: &'a str,
    /// What of it is tried.
    pub what: String,
    /// Folders of other units that it uses.
    pub units: Vec<&'a str>,
    /// Other files of the repository.
    pub files: &'a [String],
}

/// What has passed in a repository.
pub struct Passed<'a> {
    pub repo: &'a Repo,
    pub tools: &'a Tools,
    pub environment: &'a Environment,
    pub common: &'a Common,
}

impl Passed<'_> {
    /// A digest of everything that counts now; none without git.
    pub fn key(&self, subject: &Subject<'_>) -> Option<String> {
        self.key_among(subject, Arc::clone(self.repo.files.as_ref()?))
    }

    pub fn has(&self, subject: &Subject<'_>, key: &str) -> bool {
        std::fs::read_to_string(self.place(subject)).is_ok_and(|noted| noted == key)
    }

    /// Notes that it passed, if the files are still those of this key.
    pub fn note(&self, subject: &Subject<'_>, key: &str) -> Result<()> {
        let files = Files::of(&self.repo.root).map(Arc::new);
        let now = files.and_then(|files| self.key_among(subject, files));
        if now.as_deref() != Some(key) {
            return Ok(());
        }
        write(&self.place(subject), key)
    }

    fn key_among(&self, subject: &Subject<'_>, files: Arc<Files>) -> Option<String> {
        let inputs = Inputs::of(self.repo);
        let folders = subject.units.iter().chain([&subject.folder]);
        let units = inputs.closure(folders.flat_map(|folder| self.repo.places(folder)));
        let mut languages: Vec<&str> = units
            .iter()
            .map(|unit| self.repo.units[*unit].language)
            .collect();
        languages.sort_unstable();
        languages.dedup();
        let (tools, _) =
            versions::of_languages(&self.repo.root, self.tools, self.environment, languages);
        let mut parts: Vec<Part> = tools.into_iter().map(|(_, part)| part).collect();
        for file in subject.files {
            parts.push(digest([
                file.as_bytes(),
                &files.id(Path::new(file))?.content,
            ]));
        }
        parts.push(self.common.sum());
        parts.push(digest([subject.what.as_bytes()]));
        parts.push(State::of(self.repo, &inputs, files).sum(&units));
        Some(to_hex(&digest(parts.iter().map(<[u8; 32]>::as_slice))))
    }

    fn place(&self, subject: &Subject<'_>) -> PathBuf {
        let name = subject.folder.replace('/', "-");
        self.repo.root.join(FOLDER).join("passed").join(name)
    }
}
