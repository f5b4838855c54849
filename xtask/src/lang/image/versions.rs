//! Versions of images.

use semver::Version;

use super::Image;
use crate::docker::version_of;
use crate::error::Result;
use crate::unit::{parse_comments, text_at};
use crate::version::range::plain_admits;
use crate::version::{Manifest, Parts, Versions};

impl Versions for Image {
    fn kind(&self) -> &'static str {
        "image"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["Dockerfile"]
    }

    fn read(&self, manifest: &Manifest<'_>) -> Result<Option<Parts>> {
        let table = parse_comments(manifest.text).map_err(|bad| manifest.bad(bad.line, bad.why))?;
        let Some(name) = text_at(&table, "name") else {
            return Ok(None);
        };
        let version = version_of(manifest.text).ok_or_else(|| {
            manifest.bad(None, "an image needs its version, as `ARG VERSION=0.1.0`")
        })?;
        Ok(Some(manifest.parts(&name, version)))
    }

    fn admits(&self, range: &str, version: &Version) -> Option<bool> {
        plain_admits(range, version)
    }
}
