//! Versions of the tools that results depend on, without starting each tool in every run.
//!
//! What a tool answers is kept beside a stamp of its program: path, inode, size and times. A program that is a script, such as a version
//! manager's shim, decides only when it runs, so it is asked every time, except where what it decides by is known: shims of pyenv and its likes,
//! programs of npm packages, and Ruby programs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::key::{digest, Name, Part};
use crate::environment::Environment;
use crate::interrupt::Interrupt;
use crate::process::{capture, Invocation};
use crate::tools::Tools;

/// Answers and stamps, relative to the repository.
const KEPT: &str = "target/xtask/cache/tools.json";

/// For each language, places in a list of tools.
pub type Places<'l> = BTreeMap<&'l str, Vec<usize>>;

/// The tools of these languages as named parts of keys, and for each language the places of its own in that list.
pub fn of_languages<'l>(
    root: &Path,
    tools: &Tools,
    environment: &Environment,
    languages: impl IntoIterator<Item = &'l str>,
) -> (Vec<(Name, Part)>, Places<'l>) {
    let mut asker = Asker::new(root, environment);
    let mut parts = Vec::new();
    let mut of_language: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for language in languages {
        let wanted = [language.to_owned()];
        let host = tools
            .host_for(&wanted)
            .into_iter()
            .map(|tool| (format!("the tool {}", tool.name), asker.ask(&tool.command)));
        let mut found: Vec<(String, String)> = host.collect();
        // A tool that has no package for this machine fails whatever needs it; here it has no version.
        let pinned = tools.pinned_for(&wanted).unwrap_or_default();
        found.extend(pinned.into_iter().map(|tool| {
            (
                format!("the tool {}", tool.name),
                format!("{} {:?}", tool.version, tool.sha256),
            )
        }));
        let places = found
            .into_iter()
            .map(|(name, version)| {
                *known.entry(name.clone()).or_insert_with(|| {
                    parts.push((name.into(), digest([version.as_bytes()])));
                    parts.len() - 1
                })
            })
            .collect();
        of_language.insert(language, places);
    }
    asker.keep();
    (parts, of_language)
}

struct Asker {
    root: PathBuf,
    path: Option<OsString>,
    /// Stamps of what changes when a Ruby library is installed.
    gems: String,
    /// Variables that choose among versions.
    chosen: String,
    /// Stamps of files that choose among versions.
    choices: String,
    kept: BTreeMap<String, (String, String)>,
    changed: bool,
}

impl Asker {
    fn new(root: &Path, environment: &Environment) -> Self {
        let variable = |name: &str| {
            let found = environment.for_task(&[]).find(|(known, _)| *known == name);
            found.map(|(_, value)| value.to_owned())
        };
        let path = variable("PATH");
        let kept = std::fs::read(root.join(KEPT))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        let mut chosen = String::new();
        for name in ["RUSTUP_TOOLCHAIN", "PYENV_VERSION", "RBENV_VERSION"] {
            chosen += &format!("{name}={:?} ", variable(name));
        }
        let mut choices = String::new();
        // These files choose a version for the folders below them.
        for folder in root.ancestors() {
            for name in [
                ".python-version",
                ".ruby-version",
                ".node-version",
                ".tool-versions",
                "rust-toolchain",
                "rust-toolchain.toml",
            ] {
                choices += &stamp(&folder.join(name)).unwrap_or_default();
            }
        }
        let home = variable("HOME").map(PathBuf::from).unwrap_or_default();
        let rustup = variable("RUSTUP_HOME").map_or_else(|| home.join(".rustup"), PathBuf::from);
        choices += &stamp(&rustup.join("settings.toml")).unwrap_or_default();
        choices += &stamps_below(&rustup.join("toolchains"), "bin/rustc");
        Self {
            root: root.to_owned(),
            path,
            gems: gems(&home),
            chosen,
            choices,
            kept: kept.unwrap_or_default(),
            changed: false,
        }
    }

    /// What a tool says about its version; empty if it is not there.
    fn ask(&mut self, command: &[String]) -> String {
        let Some(program) = command.first().and_then(|name| self.find(name)) else {
            return String::new();
        };
        let question = format!("{} {}", command.join(" "), self.chosen);
        let stamp = self.stamp(&program);
        if let (Some(stamp), Some((old, answer))) = (&stamp, self.kept.get(&question)) {
            if stamp == old {
                return answer.clone();
            }
        }
        let invocation = Invocation::new(&self.root, command.to_vec());
        let answer = capture("tools", &invocation, &Interrupt::default());
        let answer = answer
            .ok()
            .filter(|answer| answer.status.success())
            .map(|answer| answer.text)
            .unwrap_or_default();
        match stamp {
            Some(stamp) if !answer.is_empty() => {
                self.kept.insert(question, (stamp, answer.clone()));
                self.changed = true;
            }
            _ => {}
        }
        answer
    }

    fn find(&self, name: &str) -> Option<PathBuf> {
        which::which_in(name, Some(self.path.as_ref()?), &self.root).ok()
    }

    /// Something that differs when the program could answer otherwise; none if only asking tells.
    fn stamp(&self, program: &Path) -> Option<String> {
        let own = format!("{} {}", program.display(), stamp(program)?);
        let mut beginning = [0; 64];
        let mut file = std::fs::File::open(program).ok()?;
        let length = std::io::Read::read(&mut file, &mut beginning).ok()?;
        let beginning = String::from_utf8_lossy(&beginning[..length]);
        let Some(line) = beginning
            .strip_prefix("#!")
            .and_then(|text| text.lines().next())
        else {
            return Some(format!("{own}{}", self.choices));
        };
        if let Some(manager) = self.manager(program) {
            return Some(format!("{own}{}{manager}", self.choices));
        }
        if line.ends_with("node") {
            // npm and its likes say what their package says.
            let package = program.canonicalize().ok()?;
            let manifest = package
                .ancestors()
                .skip(1)
                .find_map(|folder| stamp(&folder.join("package.json")))?;
            return Some(format!("{own}{}{manifest}", self.choices));
        }
        let ruby = line
            .ends_with("ruby")
            .then(|| self.find("ruby"))
            .flatten()?;
        Some(format!(
            "{own}{}{}{}",
            self.choices,
            self.stamp(&ruby)?,
            self.gems
        ))
    }

    /// pyenv and its likes: `<root>/shims/<program>` starts `<root>/versions/<chosen>/bin/<program>`; `<root>/version` chooses.
    fn manager(&self, program: &Path) -> Option<String> {
        let shims = program
            .parent()
            .filter(|folder| folder.ends_with("shims"))?;
        let root = shims.parent()?;
        let chosen = stamp(&root.join("version")).unwrap_or_default();
        let versions = stamps_below(
            &root.join("versions"),
            &format!("bin/{}", program.file_name()?.to_str()?),
        );
        (!versions.is_empty()).then(|| format!("{chosen}{versions}"))
    }

    fn keep(&self) {
        if !self.changed {
            return;
        }
        // What cannot be kept is asked again next time; that is no failure.
        if let Ok(text) = serde_json::to_vec(&self.kept) {
            let place = self.root.join(KEPT);
            let folder = place.parent().unwrap_or(&self.root);
            let _ = std::fs::create_dir_all(folder);
            if let Ok(scratch) = tempfile::NamedTempFile::new_in(folder) {
                let _ = std::fs::write(scratch.path(), text);
                let _ = scratch.persist(place);
            }
        }
    }
}

/// Stamps of the places where Debian and RubyGems note what is installed.
fn gems(home: &Path) -> String {
    let below = [
        "/var/lib/gems",
        "/usr/local/lib/ruby/gems",
        "/usr/lib/ruby/gems",
    ]
    .map(PathBuf::from);
    let own = [home.join(".gem/ruby"), home.join(".local/share/gem/ruby")];
    let folders = below.iter().chain(&own);
    let mut stamps: String = folders
        .map(|folder| stamps_below(folder, "specifications"))
        .collect();
    stamps += &stamp(Path::new("/var/lib/dpkg/status")).unwrap_or_default();
    stamps
}

/// Path, inode, size and times of a file, through links.
fn stamp(path: &Path) -> Option<String> {
    let meta = std::fs::metadata(path).ok()?;
    Some(format!(
        "{} {} {} {}.{} {}.{};",
        path.display(),
        meta.ino(),
        meta.size(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec()
    ))
}

/// Stamps of a file in each folder below.
fn stamps_below(folder: &Path, file: &str) -> String {
    let mut stamps: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| stamp(&entry.path().join(file)))
        .collect();
    stamps.sort();
    stamps.concat()
}
