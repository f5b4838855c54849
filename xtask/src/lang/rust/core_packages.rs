//! Packages of a checkout of Tasker Core.

use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

use crate::error::{Error, Result};
use crate::unit::Described;

/// The packages of each Cargo workspace, as cargo itself sees them: versions may be inherited, members may be anywhere.
pub fn described(root: &Path, manifests: &[PathBuf]) -> Result<Vec<Described>> {
    let mut covered: Vec<PathBuf> = Vec::new();
    let mut packages = Vec::new();
    for manifest in manifests {
        if covered.contains(manifest) {
            continue;
        }
        let metadata = MetadataCommand::new()
            .manifest_path(manifest)
            .no_deps()
            // Not there: its toolchain file would fetch a toolchain.
            .current_dir(root)
            .exec()
            .map_err(|error| unreadable(manifest, &error))?;
        for package in metadata.packages {
            let manifest = package.manifest_path.into_std_path_buf();
            covered.push(manifest.clone());
            packages.push(Described {
                name: package.name.to_string(),
                version: Some(package.version.to_string()),
                manifest,
                is_common: true,
                is_built_in_place: false,
            });
        }
    }
    Ok(packages)
}

fn unreadable(manifest: &Path, error: &cargo_metadata::Error) -> Error {
    let said = match error {
        cargo_metadata::Error::CargoMetadata { stderr } => stderr.clone(),
        other => other.to_string(),
    };
    Error::Core {
        why: format!(
            "cargo cannot read {}: {}",
            manifest.display(),
            said.trim().trim_start_matches("error: ")
        ),
        fix: "repair the checkout, or cargo xtask core use published".into(),
    }
}
