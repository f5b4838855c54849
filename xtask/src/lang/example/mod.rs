//! Examples: a folder with `example.toml` and one app per framework.
//!
//! The apps are units of their own languages; naming the example selects them all.

use toml::{Table, Value};

use super::language::{Entry, Job, Language};
use super::planner::Planner;
use crate::error::Result;
use crate::unit::{lookup, Found, Reader, Unit};

#[derive(Debug)]
pub struct Example;

pub const ECOSYSTEM: Entry = Entry {
    language: Some(&Example),
    versions: None,
    channel: None,
    constants: &[],
};

impl Reader for Example {
    fn name(&self) -> &'static str {
        "example"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["example.toml"]
    }

    fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>> {
        let mut unit = found.unit(self.name(), &found.required_str("name")?);
        let apps = lookup(found.table, "apps").and_then(Value::as_table);
        for (name, app) in apps.into_iter().flat_map(Table::iter) {
            let folder = app
                .get("folder")
                .and_then(Value::as_str)
                .and_then(|path| found.resolve(path));
            let folder = folder
                .filter(|folder| found.root.join(folder).is_dir())
                .ok_or_else(|| {
                    self::bad(
                        found,
                        name,
                        format!("app `{name}` needs `folder`, an existing folder of the example"),
                    )
                })?;
            unit.parts.push(folder);
        }
        Ok(Some(unit))
    }
}

impl Language for Example {
    fn plan(&self, _planner: &mut Planner<'_>, _unit: &Unit, _job: Job) -> Result<()> {
        Ok(())
    }
}

fn bad(found: &Found<'_>, app: &str, why: String) -> crate::error::Error {
    found.bad(&format!("apps.{app}"), why)
}
