//! What does not fit together: ranges of our own packages, the supported Tasker Core, lock files, pre-release notation.

use std::path::Path;

use super::drift::Drift;
use super::package::{Ecosystem, Package, Site, Use};
use super::{compatibility, locks, notation, range};
use crate::error::Result;
use crate::file::line_of;
use crate::tasker_core::{Row, Table};

/// Everything that does not fit.
pub fn drifts(root: &Path, packages: &[Package], ecosystems: &[Ecosystem]) -> Result<Vec<Drift>> {
    let mut found = Vec::new();
    let has_table = root.join(crate::tasker_core::TABLE_FILE).is_file();
    let core = if has_table {
        Table::load(root)?.rows
    } else {
        Vec::new()
    };
    for package in packages {
        let publishable = !package.private;
        if let (true, Err(why)) = (publishable, notation::pre(&package.version)) {
            found.push(Drift {
                at: place(root, &package.at),
                what: why,
                fix: "cargo xtask bump UNIT X.Y.Z".into(),
            });
        }
        for used in &package.uses {
            let own = packages
                .iter()
                .find(|other| other.is_named(used.ecosystem, &used.name));
            match (&used.range, &used.at) {
                (Some(text), Some(at)) => {
                    let at = || place(root, at);
                    found.extend(own.and_then(|own| of_ours(package, used, text, own, &at)));
                    found.extend(of_core(package, used, text, &core, &at));
                }
                _ => found.extend(own.and_then(|own| by_path_alone(package, own))),
            }
        }
        locks::drifts(root, package, &core, &mut found)?;
    }
    if has_table {
        found.extend(page(root, ecosystems)?);
    }
    Ok(found)
}

/// A range that leaves out the version that one of our own packages has here.
fn of_ours(
    package: &Package,
    used: &Use,
    text: &str,
    own: &Package,
    at: &dyn Fn() -> String,
) -> Option<Drift> {
    if used.ecosystem.admits(text, &own.version) != Some(false) {
        return None;
    }
    let new = range::starting_at(used.ecosystem.0, text, &own.version).unwrap_or_default();
    Some(Drift {
        at: at(),
        what: format!(
            "{} wants {} {text}, but here it is {}",
            package.name, used.name, own.version
        ),
        fix: format!("write `{new}`"),
    })
}

fn by_path_alone(package: &Package, own: &Package) -> Option<Drift> {
    let is_published = !package.private && package.ecosystem.needs_ranges();
    let matters = package
        .uses
        .iter()
        .any(|used| used.name == own.name && !used.dev);
    (is_published && matters).then(|| Drift {
        at: package.at.file.display().to_string(),
        what: format!(
            "{} depends on {} by path alone, so it cannot be published",
            package.name, own.name
        ),
        fix: format!("add `version` beside the path of {}", own.name),
    })
}

/// A range of one of Core's packages that is not the one that the table supports.
fn of_core(
    package: &Package,
    used: &Use,
    text: &str,
    core: &[Row],
    at: &dyn Fn() -> String,
) -> Option<Drift> {
    let row = core
        .iter()
        .find(|row| row.language == used.ecosystem.language() && row.name == used.name)?;
    let table = crate::tasker_core::TABLE_FILE;
    if used.ecosystem.admits(text, &row.published) == Some(false) {
        return Some(Drift {
            at: at(),
            what: format!(
                "{} wants {} {text}, but {table} names {} as published",
                package.name, row.name, row.published
            ),
            fix: format!(
                "widen the range to include {}, or correct the table",
                row.published
            ),
        });
    }
    let version = compatibility::disagreement(used.ecosystem, text, row)?;
    Some(Drift {
        at: at(),
        what: format!(
            "{} wants {} {text}, but {table} supports {}: they disagree about {version}",
            package.name, row.name, row.supported
        ),
        fix: "write the same range in both".into(),
    })
}

/// The page with the compatibility of every package, if it is not what the manifests say.
fn page(root: &Path, ecosystems: &[Ecosystem]) -> Result<Option<Drift>> {
    let file = compatibility::PAGE;
    if !root.join(file).is_file() {
        return Ok(None);
    }
    let (wanted, found) = (
        compatibility::page(root, ecosystems)?,
        crate::file::read(&root.join(file))?,
    );
    if wanted == found {
        return Ok(None);
    }
    let same = wanted
        .lines()
        .zip(found.lines())
        .take_while(|(wanted, found)| wanted == found)
        .count();
    Ok(Some(Drift {
        at: format!("{file}:{}", same + 1),
        what: "the rows differ from the manifests".into(),
        fix: "cargo xtask codegen".into(),
    }))
}

/// `file:line` of a site.
pub fn place(root: &Path, at: &Site) -> String {
    let text = std::fs::read_to_string(root.join(&at.file)).unwrap_or_default();
    format!("{}:{}", at.file.display(), line_of(&text, at.span.start))
}
