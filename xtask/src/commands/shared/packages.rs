//! Packages that a command line names, and versions that do not fit together.

use serde_json::json;

use super::session::Session;
use crate::error::{closest, Error, Result};
use crate::report::fix_line;
use crate::version::drift::Drift;
use crate::version::Package;

/// Names each drift with its fix; an error if there is one.
pub fn tell_drifts(session: &mut Session, drifts: &[Drift]) -> Result<()> {
    for drift in drifts {
        let lines = [
            format!("{}: {}", drift.at, drift.what),
            fix_line(&drift.fix),
        ];
        session
            .report
            .tell(&lines, &json!({"event": "drift", "drift": drift}));
    }
    if drifts.is_empty() {
        return Ok(());
    }
    Err(Error::VersionDrift {
        count: drifts.len(),
    })
}

pub fn choose(packages: &[Package], wanted: &str) -> Result<Vec<usize>> {
    let is_wanted = |package: &Package| match wanted {
        "all" => !package.private,
        _ => {
            package.name == wanted
                || package.folder == wanted.trim_start_matches("./").trim_end_matches('/')
        }
    };
    let chosen: Vec<usize> = (0..packages.len())
        .filter(|place| is_wanted(&packages[*place]))
        .collect();
    if chosen.is_empty() {
        let names = packages
            .iter()
            .flat_map(|package| [package.name.as_str(), package.folder.as_str()]);
        return Err(Error::UnknownUnit {
            wanted: wanted.to_owned(),
            suggestion: closest(wanted, names),
            known: packages
                .iter()
                .map(|package| package.folder.clone())
                .collect(),
        });
    }
    Ok(chosen)
}
