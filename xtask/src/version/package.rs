//! Packages, and what an ecosystem says about the versions of its own.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};

use semver::Version;
use serde::{Serialize, Serializer};
use toml_edit::{Document, Item, TableLike};

use super::notation;
use crate::error::{Error, Result};
use crate::file::line_of;

/// What an ecosystem says about versions: where they stand, how they are written, what a range admits, and what its lock files have.
pub trait Versions: Sync {
    /// The kind of package, for people: `crate`, `gem`.
    fn kind(&self) -> &'static str;

    /// The name of its language in `xtask/contract/core.toml`.
    fn language(&self) -> &'static str {
        self.kind()
    }

    /// Names of files that make a folder a package; see [`crate::unit::is_named`].
    fn manifests(&self) -> &'static [&'static str];

    /// Names of other files in which versions and ranges stand.
    fn other_files(&self) -> &'static [&'static str] {
        &[]
    }

    /// What a manifest says; none if it is not one of a package with a version of its own.
    fn read(&self, manifest: &Manifest<'_>) -> Result<Option<Parts>>;

    /// A package's name as its registry compares it.
    fn normalized(&self, name: &str) -> String {
        name.to_owned()
    }

    /// A version as the ecosystem writes it.
    fn write(&self, version: &Version) -> Result<String, String> {
        notation::pre(version).map(|_| version.to_string())
    }

    /// Reads a version as the ecosystem writes it; parts that are left out are zero.
    fn parse(&self, text: &str) -> Result<Version, String> {
        notation::read(text, |kind, _| format!("-{kind}."))
    }

    /// Whether a range admits a version; none if the range has a form that is not understood.
    fn admits(&self, range: &str, version: &Version) -> Option<bool>;

    /// Everything from a version to the next breaking one.
    fn between(&self, from: &str, to: &Version) -> String {
        format!(">={from}, <{to}")
    }

    /// What stands between an operator and its version.
    fn after_operator(&self) -> &'static str {
        ""
    }

    /// A range as it stands in a manifest.
    fn quoted(&self, range: &str) -> String {
        range.to_owned()
    }

    /// Whether a package must name a range beside the path of another one to be published.
    fn needs_ranges(&self) -> bool {
        false
    }

    /// The lock file that the dependencies of a package in `folder` are in, if there is one.
    fn lock(&self, _root: &Path, _folder: &Path) -> Option<PathBuf> {
        None
    }

    /// What a lock file has.
    fn locked(&self, _text: &str) -> Vec<Locked> {
        Vec::new()
    }

    /// What to do if a lock file does not fit its manifest.
    fn lock_fix(&self) -> &'static str {
        "compile it again (see its first lines)"
    }

    /// Commands that bring a lock file up to date without bumping anything else, and then fail if it does not fit.
    fn lock_commands(&self) -> &'static [&'static str] {
        &[]
    }

    /// The name of the manifest of generated projects, whose pins follow our versions.
    fn generated(&self) -> Option<&'static str> {
        None
    }

    /// Names and places of the ranges in one line of such a manifest, which need not be valid yet.
    fn pins(&self, _line: &str) -> Vec<(String, Range<usize>)> {
        Vec::new()
    }
}

/// A kind of package, and with it of registry; equal if the names are.
#[derive(Clone, Copy)]
pub struct Ecosystem(pub &'static dyn Versions);

impl Deref for Ecosystem {
    type Target = dyn Versions;

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl PartialEq for Ecosystem {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind()
    }
}

impl Eq for Ecosystem {}

impl Hash for Ecosystem {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind().hash(state);
    }
}

impl fmt::Debug for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl Serialize for Ecosystem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.kind())
    }
}

/// A package in a lock file.
pub struct Locked {
    pub name: String,
    pub version: String,
    /// It comes from the repository, not from a registry.
    pub is_ours: bool,
}

/// A few bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Relative to the repository.
    pub file: PathBuf,
    pub span: Range<usize>,
}

/// A dependency with a range.
#[derive(Clone, Debug)]
pub struct Use {
    /// The kind of registry that the package is in; a plugin's templates use those of their language.
    pub ecosystem: Ecosystem,
    pub name: String,
    /// Its range; none if the manifest names only a path.
    pub range: Option<String>,
    /// Where the range stands, if there is one; for gems with the quotes.
    pub at: Option<Site>,
    /// Only for development: it does not matter to those who install the package.
    pub dev: bool,
}

/// A language, and the versions of it that a package runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// `Rust`, `Python`, `Ruby`, `Bun` or `Node`.
    pub name: String,
    /// As the ecosystem writes it.
    pub range: String,
}

/// A folder with a version of its own.
#[derive(Clone, Debug)]
pub struct Package {
    pub name: String,
    /// Relative to the repository.
    pub folder: String,
    pub ecosystem: Ecosystem,
    pub version: Version,
    /// Where the version stands, without quotes.
    pub at: Site,
    /// Dependencies that have ranges.
    pub uses: Vec<Use>,
    /// Whether it is never published.
    pub private: bool,
    /// What it runs on, if its manifest says so.
    pub language: Option<Runtime>,
}

impl Package {
    /// The tag of a version: `python/tasker-contrib-fastapi/v0.1.0`.
    pub fn tag(&self, version: &Version) -> String {
        format!("{}/v{version}", self.folder)
            .trim_start_matches('/')
            .to_owned()
    }

    /// Whether a dependency's name is this package.
    pub fn is_named(&self, ecosystem: Ecosystem, name: &str) -> bool {
        self.ecosystem == ecosystem
            && ecosystem.normalized(name) == ecosystem.normalized(&self.name)
    }

    /// Its changelog, relative to the repository.
    pub fn changelog(&self) -> PathBuf {
        Path::new(&self.folder).join("CHANGELOG.md")
    }
}

/// What a manifest says.
pub struct Parts {
    pub name: String,
    /// Where the version stands.
    pub at: Site,
    /// The version as it stands there.
    pub written: String,
    pub uses: Vec<Use>,
    pub private: bool,
    pub language: Option<Runtime>,
}

/// A manifest that is read.
pub struct Manifest<'a> {
    pub root: &'a Path,
    /// Relative to the repository.
    pub file: PathBuf,
    pub text: &'a str,
    pub ecosystem: Ecosystem,
    /// All, for manifests in which packages of others stand.
    pub ecosystems: &'a [Ecosystem],
}

impl Manifest<'_> {
    /// A package without dependencies, whose version stands in the manifest itself.
    pub fn parts(&self, name: &str, version: Range<usize>) -> Parts {
        Parts {
            name: name.to_owned(),
            written: self.text[version.clone()].to_owned(),
            at: self.site(version),
            uses: Vec::new(),
            private: false,
            language: None,
        }
    }

    pub fn bad(&self, line: Option<usize>, why: impl Into<String>) -> Error {
        Error::BadFile {
            file: self.file.clone(),
            line,
            why: why.into(),
            fix: None,
        }
    }

    pub fn site(&self, span: Range<usize>) -> Site {
        Site {
            file: self.file.clone(),
            span,
        }
    }

    pub fn used(&self, name: &str, span: Range<usize>, dev: bool) -> Use {
        let range = Some(self.text[span.clone()].to_owned());
        Use {
            ecosystem: self.ecosystem,
            name: name.to_owned(),
            range,
            at: Some(self.site(span)),
            dev,
        }
    }

    /// The document and the table at `key` of a TOML manifest; none without that table.
    pub fn document(&self) -> Result<Document<String>> {
        Document::parse(self.text.to_owned()).map_err(|error| {
            self.bad(
                error.span().map(|span| line_of(self.text, span.start)),
                error.message(),
            )
        })
    }

    /// Name and place of the version in the table `key` of a TOML manifest. None without that table, or if the version comes from elsewhere (a
    /// workspace, a build tool): then it is nobody's to bump here.
    pub fn about(&self, top: &dyn TableLike, key: &str) -> Result<Option<(String, Range<usize>)>> {
        let Some(about) = top.get(key).and_then(Item::as_table_like) else {
            return Ok(None);
        };
        let Some(name) = about.get("name").and_then(Item::as_str) else {
            return Err(self.bad(None, format!("`{key}.name` is missing")));
        };
        let span = about.get("version").and_then(string);
        Ok(span.map(|span| (name.to_owned(), span)))
    }
}

/// The span of a plain string, without quotes.
pub fn string(item: &Item) -> Option<Range<usize>> {
    item.as_str()?;
    let span = item.span()?;
    Some(span.start + 1..span.end - 1)
}
