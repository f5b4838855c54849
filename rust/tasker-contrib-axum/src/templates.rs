//! The task templates of a folder, and whether the handlers fit them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tasker_shared::models::core::task_template::TaskTemplate;

use crate::{Error, Handlers};

/// Reads every template below a folder.
pub(crate) fn load(folder: &Path) -> Result<Vec<(PathBuf, TaskTemplate)>, Error> {
    let mut files = Vec::new();
    collect(folder, &mut files).map_err(|error| {
        Error::Config(vec![format!(
            "{}: the folder of the task templates cannot be read ({error}); set TASKER_TEMPLATE_PATH or `.templates(…)`",
            folder.display()
        )])
    })?;
    files.sort();
    let mut templates = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        match serde_yaml::from_str::<TaskTemplate>(&text) {
            Ok(template) => templates.push((file, template)),
            Err(error) => problems.push(format!("{}: {error}", file.display())),
        }
    }
    if templates.is_empty() && problems.is_empty() {
        problems.push(format!(
            "{}: there is no task template (*.yaml, *.yml)",
            folder.display()
        ));
    }
    if problems.is_empty() {
        Ok(templates)
    } else {
        Err(Error::Handlers(problems))
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|end| end == "yaml" || end == "yml")
        {
            files.push(path);
        }
    }
    Ok(())
}

/// Compares both ways; all differences are in one error.
pub(crate) fn check(
    templates: &[(PathBuf, TaskTemplate)],
    handlers: &Handlers,
) -> Result<(), Error> {
    let mut wanted: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (file, template) in templates {
        for step in &template.steps {
            let place = format!("step `{}` in {}", step.name, file.display());
            wanted
                .entry(&step.handler.callable)
                .or_default()
                .push(place);
        }
    }
    let present: BTreeSet<&str> = handlers.names().into_iter().collect();
    let duplicates = handlers
        .duplicates()
        .iter()
        .map(|name| format!("`{name}` has two handlers; remove one"));
    let missing = wanted
        .iter()
        .filter(|(name, _)| !present.contains(*name))
        .map(|(name, places)| {
            format!(
                "`{name}` has no handler; wanted by {}",
                places.join(" and ")
            )
        });
    let unused = present
        .iter()
        .filter(|name| !wanted.contains_key(*name))
        .map(|name| format!("`{name}` is used by no task template"));
    let problems: Vec<_> = duplicates.chain(missing).chain(unused).collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Handlers(problems))
    }
}

#[cfg(test)]
mod tests {
    use super::{check, load};
    use crate::{Handlers, StepError};

    async fn nothing() -> Result<(), StepError> {
        Ok(())
    }

    #[test]
    fn missing_unused_and_duplicate_handlers_are_named_in_one_error() {
        let folder = tempfile::TempDir::new().unwrap();
        let template = "name: t\nnamespace_name: n\nversion: 1.0.0\nsteps:\n  - {name: one, handler: {callable: a.one}}\n  - {name: two, handler: {callable: a.two}}\n";
        std::fs::create_dir(folder.path().join("deeper")).unwrap();
        std::fs::write(folder.path().join("deeper/t.yaml"), template).unwrap();
        let templates = load(folder.path()).unwrap();
        let good = Handlers::<()>::new()
            .add("a.one", nothing)
            .add("a.two", nothing);
        assert!(check(&templates, &good).is_ok());
        let bad = Handlers::<()>::new()
            .add("a.one", nothing)
            .add("a.one", nothing)
            .add("a.three", nothing);
        let error = check(&templates, &bad).unwrap_err().to_string();
        for part in [
            "`a.one` has two handlers",
            "`a.two` has no handler; wanted by step `two` in",
            "`a.three` is used by no",
        ] {
            assert!(error.contains(part), "{part:?} is not in\n{error}");
        }
    }

    #[test]
    fn unreadable_templates_are_named() {
        let folder = tempfile::TempDir::new().unwrap();
        assert!(load(folder.path())
            .unwrap_err()
            .to_string()
            .contains("no task template"));
        std::fs::write(folder.path().join("bad.yml"), "name: [").unwrap();
        assert!(load(folder.path())
            .unwrap_err()
            .to_string()
            .contains("bad.yml"));
        assert!(load(&folder.path().join("gone"))
            .unwrap_err()
            .to_string()
            .contains("gone"));
    }
}
