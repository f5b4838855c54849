//! Versions of plugins, and those that their templates pin.

use semver::Version;

use super::TaskerPlugin;
use crate::error::Result;
use crate::version::range::plain_admits;
use crate::version::{pins, Manifest, Parts, Versions};

impl Versions for TaskerPlugin {
    fn kind(&self) -> &'static str {
        "plugin"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["tasker-plugin.toml"]
    }

    fn read(&self, manifest: &Manifest<'_>) -> Result<Option<Parts>> {
        let document = manifest.document()?;
        let Some((name, version)) = manifest.about(document.as_table(), "plugin")? else {
            return Ok(None);
        };
        Ok(Some(Parts {
            uses: pins::of_plugin(manifest.root, &manifest.file, manifest.ecosystems)?,
            ..manifest.parts(&name, version)
        }))
    }

    fn admits(&self, range: &str, version: &Version) -> Option<bool> {
        plain_admits(range, version)
    }
}
