//! Container images: a folder with a Dockerfile that has comments for xtask, each with TOML: `# xtask: name = "tasker-server"`. The image's version is the
//! default of `ARG VERSION`.
//!
//! `cargo xtask image build` builds them, which takes an engine; so no job of `test` or `lint` does.

mod channel;
mod versions;

use toml::Table;

use super::language::{Entry, Job, Language};
use super::planner::Planner;
use crate::error::Result;
use crate::unit::{parse_comments, Found, Malformed, Reader, Unit};

#[derive(Debug)]
pub struct Image;

pub const ECOSYSTEM: Entry = Entry {
    language: Some(&Image),
    versions: Some(&Image),
    channel: Some(&Image),
    constants: &[],
};

impl Reader for Image {
    fn name(&self) -> &'static str {
        "image"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["Dockerfile"]
    }

    fn parse(&self, text: &str) -> std::result::Result<Table, Malformed> {
        parse_comments(text)
    }

    fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>> {
        if !found.table.contains_key("name") {
            return Ok(None);
        }
        let mut unit = found.unit(self.name(), &found.required_str("name")?);
        found.own_words(&mut unit, "")?;
        Ok(Some(unit))
    }
}

impl Language for Image {
    fn plan(&self, _planner: &mut Planner<'_>, _unit: &Unit, _job: Job) -> Result<()> {
        Ok(())
    }
}
