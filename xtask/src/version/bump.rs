//! Raises versions: computes every change first, as new contents of files that belong to versions, and writes nothing itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use semver::{Prerelease, Version};

use super::changelog::{self, Commit};
use super::package::{Ecosystem, Package, Site, Use};
use super::{check, locks, notation, pins, range};
use crate::error::{Error, Result};
use crate::git::run::git;
use crate::unit::is_named;

/// How far to raise.
#[derive(Clone, Debug, PartialEq)]
pub enum Level {
    Major,
    Minor,
    Patch,
    /// Whatever the commits say.
    Auto,
    Exact(Version),
}

impl Level {
    /// Reads what the user wrote.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "major" => Self::Major,
            "minor" => Self::Minor,
            "patch" => Self::Patch,
            "auto" => Self::Auto,
            _ => {
                let version = text.parse().map_err(|_| Error::Version {
                    why: format!("`{text}` is neither a level nor a version"),
                    fix:
                        "write major, minor, patch, auto, or a version such as 1.2.0 or 1.2.0-rc.1"
                            .into(),
                })?;
                notation::pre(&version).map_err(|why| Error::Version {
                    why,
                    fix: "choose a version such as 1.2.0-rc.1".into(),
                })?;
                Self::Exact(version)
            }
        })
    }
}

/// The version after `now`.
pub fn next(now: &Version, level: &Level, pre: Option<&str>) -> Version {
    let Version {
        major,
        minor,
        patch,
        ..
    } = *now;
    // A pre-release already stands before the release that it leads to.
    let is_pre = !now.pre.is_empty();
    let release = match level {
        Level::Exact(version) => return version.clone(),
        Level::Major if is_pre && minor == 0 && patch == 0 => Version::new(major, 0, 0),
        Level::Major => Version::new(major + 1, 0, 0),
        Level::Minor if is_pre && patch == 0 => Version::new(major, minor, 0),
        Level::Minor => Version::new(major, minor + 1, 0),
        Level::Patch | Level::Auto if is_pre => Version::new(major, minor, patch),
        Level::Patch | Level::Auto => Version::new(major, minor, patch + 1),
    };
    let Some(kind) = pre else { return release };
    let same = (release.major, release.minor, release.patch) == (major, minor, patch);
    let number = match notation::pre(now) {
        Ok(Some((before, number))) if same && before == kind => number + 1,
        _ => 1,
    };
    Version {
        pre: Prerelease::new(&format!("{kind}.{number}")).unwrap_or(Prerelease::EMPTY),
        ..release
    }
}

/// The level that commits ask for; below 1.0 a breaking change raises the minor version, and all else the patch.
pub fn level_of(now: &Version, commits: &[Commit]) -> Option<Level> {
    let breaking = commits.iter().any(|commit| commit.breaking);
    let feature = commits.iter().any(|commit| commit.kind == "feat");
    let repair = commits
        .iter()
        .any(|commit| ["fix", "perf", "refactor", "revert"].contains(&commit.kind.as_str()));
    match (breaking, feature, now.major) {
        (true, _, 0) | (false, true, 1..) => Some(Level::Minor),
        (true, _, _) => Some(Level::Major),
        (false, true, 0) => Some(Level::Patch),
        _ => repair.then_some(Level::Patch),
    }
}

/// One line about a change.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    pub name: String,
    /// What happens to it.
    pub what: String,
    pub why: String,
}

/// Everything that a bump does.
#[derive(Clone, Debug, Default)]
pub struct Bump {
    pub changes: Vec<Change>,
    /// Files, relative to the repository, with their new contents.
    pub files: BTreeMap<PathBuf, String>,
    /// Commands that bring lock files up to date and check them: folder, words.
    pub locks: Vec<(PathBuf, Vec<String>)>,
    /// The files that these commands write.
    pub lock_files: BTreeSet<PathBuf>,
}

/// Computes a bump of these packages (by place in the list).
pub fn plan(
    root: &Path,
    packages: &[Package],
    chosen: &[usize],
    level: &Level,
    pre: Option<&str>,
    date: &str,
    ecosystems: &[Ecosystem],
) -> Result<Bump> {
    refuse_dirty(root)?;
    let tags = tags(root)?;
    let mut bump = Bump::default();
    let mut edits = Edits::new();
    let mut raised = Vec::new();
    for place in chosen {
        let package = &packages[*place];
        let commits = commits(root, package, &tags)?;
        let Some(own) = (match level {
            Level::Auto => level_of(&package.version, &commits),
            other => Some(other.clone()),
        }) else {
            continue;
        };
        let new = next(&package.version, &own, pre);
        refuse_if_not_new(&tags, package, &new)?;
        let text = package
            .ecosystem
            .write(&new)
            .map_err(|why| Error::Version {
                why,
                fix: "choose another version".into(),
            })?;
        edits
            .entry(package.at.file.clone())
            .or_default()
            .push((package.at.span.clone(), text));
        let log = package.changelog();
        let old = std::fs::read_to_string(root.join(&log)).unwrap_or_default();
        let log_now = changelog::release(&old, &new.to_string(), date, &commits);
        bump.files.insert(log, log_now);
        bump.changes.push(Change {
            name: package.name.clone(),
            what: format!("{} → {new}", package.version),
            why: reason(level, commits.len()),
        });
        raised.push((package, new));
    }
    follow_all(root, packages, &raised, &mut edits, &mut bump.changes)?;
    for (file, edits) in edits {
        let text = edited(crate::file::read(&root.join(&file))?, edits);
        bump.files.insert(file, text);
    }
    let raised: Vec<&Package> = raised.iter().map(|(own, _)| *own).collect();
    bump.lock(root, packages, &raised);
    refuse_strangers(&bump, ecosystems)?;
    Ok(bump)
}

/// Texts that take the place of others, by file.
type Edits = BTreeMap<PathBuf, Vec<(std::ops::Range<usize>, String)>>;

fn edited(mut text: String, mut edits: Vec<(std::ops::Range<usize>, String)>) -> String {
    // From the end, so that places before stay where they are.
    edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    // Several packages may have their range in one place of their workspace.
    edits.dedup_by(|later, first| later.0 == first.0);
    for (span, new) in edits {
        text.replace_range(span, &new);
    }
    text
}

fn reason(level: &Level, commits: usize) -> String {
    match (level, commits) {
        (Level::Auto, 1) => "1 conventional commit since its last tag".to_owned(),
        (Level::Auto, count) => format!("{count} conventional commits since its last tag"),
        _ => "asked for".to_owned(),
    }
}

impl Bump {
    /// Notes the lock files of raised packages, and of what uses them: lock files also name what others use of ours.
    fn lock(&mut self, root: &Path, packages: &[Package], raised: &[&Package]) {
        let names = |package: &Package| {
            raised.iter().any(|own| {
                let mut uses = package.uses.iter();
                own.folder == package.folder && own.ecosystem == package.ecosystem
                    || uses.any(|used| own.is_named(used.ecosystem, &used.name))
            })
        };
        for package in packages.iter().filter(|package| names(package)) {
            self.lock_files.extend(locks::of(root, package));
            for command in locks::commands(root, package) {
                if !self.locks.contains(&command) {
                    self.locks.push(command);
                }
            }
        }
    }
}

/// Changes every range that does not admit what is raised.
fn follow_all(
    root: &Path,
    packages: &[Package],
    raised: &[(&Package, Version)],
    edits: &mut Edits,
    changes: &mut Vec<Change>,
) -> Result<()> {
    let uses = packages
        .iter()
        .flat_map(|package| package.uses.iter().map(move |used| (package, used)));
    for (package, used) in uses {
        let Some((own, new)) = raised
            .iter()
            .find(|(own, _)| own.is_named(used.ecosystem, &used.name))
        else {
            continue;
        };
        if let Some((at, written, change)) = follow(root, package, used, own, new)? {
            let edits = edits.entry(at.file.clone()).or_default();
            edits.push((at.span.clone(), written));
            changes.push(change);
        }
    }
    Ok(())
}

/// What becomes of a range when a package of ours is raised: where, the new text, and why; none if it admits the new version.
fn follow<'a>(
    root: &Path,
    package: &Package,
    used: &'a Use,
    own: &Package,
    new: &Version,
) -> Result<Option<(&'a Site, String, Change)>> {
    let (Some(text), Some(at)) = (&used.range, &used.at) else {
        return Ok(None);
    };
    if used.ecosystem.admits(text, new) != Some(false) {
        return Ok(None);
    }
    let range = range::starting_at(used.ecosystem.0, text, new).map_err(|why| Error::Version {
        why,
        fix: "choose another version".into(),
    })?;
    let written = used.ecosystem.quoted(&range);
    let change = Change {
        name: package.name.clone(),
        what: format!("{}: {} {text} → {range}", check::place(root, at), used.name),
        why: format!("`{text}` excludes {} {new}", own.name),
    };
    Ok(Some((at, written, change)))
}

/// What may be written: files in which a version or a range of ours stands, and changelogs.
pub fn refuse_strangers(bump: &Bump, ecosystems: &[Ecosystem]) -> Result<()> {
    let mut known: Vec<&str> = ecosystems
        .iter()
        .flat_map(|ecosystem| ecosystem.manifests().iter().chain(ecosystem.other_files()))
        .copied()
        .collect();
    known.push("CHANGELOG.md");
    for file in bump.files.keys() {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        // A template becomes the manifest of an app.
        let name = name.strip_suffix(".tera").unwrap_or(name);
        let inside = file
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        let is_known =
            known.iter().any(|pattern| is_named(pattern, name)) || pins::is_snapshot(file);
        if !inside || !is_known {
            return Err(Error::Version {
                why: format!(
                    "{} is not a file that holds versions; nothing was changed",
                    file.display()
                ),
                fix: format!(
                    "bump writes only {} and snapshots of templates",
                    known.join(", ")
                ),
            });
        }
    }
    Ok(())
}

fn refuse_dirty(root: &Path) -> Result<()> {
    let changed = git(root, &["status", "--porcelain"])?;
    match changed.lines().next() {
        None => Ok(()),
        Some(first) => Err(Error::Version {
            why: format!(
                "the work tree has {} uncommitted changes, the first is `{}`; nothing was changed",
                changed.lines().count(),
                first.trim()
            ),
            fix: "commit them, or run git stash".into(),
        }),
    }
}

fn refuse_if_not_new(tags: &BTreeSet<String>, package: &Package, new: &Version) -> Result<()> {
    let why = if *new < package.version {
        format!(
            "{} is at {}; {new} would be a downgrade",
            package.name, package.version
        )
    } else if *new == package.version || tags.contains(&package.tag(new)) {
        format!("{} {new} exists already", package.name)
    } else {
        return Ok(());
    };
    Err(Error::Version {
        why: format!("{why}; nothing was changed"),
        fix: format!("choose a version above {}", package.version),
    })
}

/// Every tag of this clone and of where it came from, which may have versions that were never fetched.
///
/// A remote that cannot be reached is no reason not to work: a release asks it, and the registry, again.
fn tags(root: &Path) -> Result<BTreeSet<String>> {
    let own = git(root, &["tag", "--list"])?;
    let theirs = git(root, &["ls-remote", "--tags", "--refs", "origin"]).unwrap_or_default();
    let theirs = theirs
        .lines()
        .filter_map(|line| line.split_once("\trefs/tags/").map(|(_, tag)| tag));
    Ok(own.lines().chain(theirs).map(str::to_owned).collect())
}

/// Whether a tag is there.
pub fn tag_exists(root: &Path, tag: &str) -> bool {
    git(
        root,
        &[
            "rev-parse",
            "--verify",
            "--quiet",
            &format!("refs/tags/{tag}"),
        ],
    )
    .is_ok()
}

/// A clone without the tag, or without what lies between it and here, would tell of other commits than there are.
fn refuse_if_cut_off(
    root: &Path,
    package: &Package,
    tag: &str,
    tags: &BTreeSet<String>,
) -> Result<()> {
    let is_here = tag_exists(root, tag);
    let is_shallow = git(root, &["rev-parse", "--is-shallow-repository"])?.trim() == "true";
    let in_sight = || git(root, &["merge-base", "--is-ancestor", tag, "HEAD"]).is_ok();
    let why = if !is_here && tags.contains(tag) {
        format!("the tag {tag} is at origin and not in this clone")
    } else if is_shallow && !(is_here && in_sight()) {
        "this clone is shallow".to_owned()
    } else {
        return Ok(());
    };
    let unshallow = if is_shallow { "--unshallow " } else { "" };
    Err(Error::Version {
        why: format!(
            "{why}, so the commits of {} since {} are unknown; nothing was changed",
            package.name, package.version
        ),
        fix: format!("git fetch {unshallow}--tags origin"),
    })
}

/// Conventional commits that touch a package since the tag of its version, oldest first.
fn commits(root: &Path, package: &Package, tags: &BTreeSet<String>) -> Result<Vec<Commit>> {
    let tag = package.tag(&package.version);
    refuse_if_cut_off(root, package, &tag, tags)?;
    let since = if tag_exists(root, &tag) {
        format!("{tag}..HEAD")
    } else {
        "HEAD".to_owned()
    };
    let folder = if package.folder.is_empty() {
        "."
    } else {
        &package.folder
    };
    let log = git(
        root,
        &[
            "log",
            "--reverse",
            "--no-merges",
            "--format=%B%x00",
            &since,
            "--",
            folder,
        ],
    )?;
    Ok(log
        .split('\0')
        .filter_map(|message| Commit::parse(message.trim_start()))
        .collect())
}
