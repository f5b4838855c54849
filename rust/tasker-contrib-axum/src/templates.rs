//! The task templates of a folder, and whether the handlers fit them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tasker_shared::models::core::task_template::TaskTemplate;

use crate::nearest::hint;
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
        match read(&file) {
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

fn read(file: &Path) -> Result<TaskTemplate, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    serde_yaml::from_str(&text).map_err(|error| error.to_string())
}

/// Hidden entries are left out: in a ConfigMap of Kubernetes they are second and third ways to the same files.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
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

/// Compares both ways. Missing and duplicate handlers are in one error; unused ones do no harm and are returned.
pub(crate) fn check(
    templates: &[(PathBuf, TaskTemplate)],
    handlers: &Handlers,
) -> Result<Vec<String>, Error> {
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
    let unused: Vec<&str> = present
        .iter()
        .copied()
        .filter(|name| !wanted.contains_key(name))
        .collect();
    let duplicates = handlers
        .duplicates()
        .iter()
        .map(|name| format!("`{name}` has two handlers; remove one"));
    let missing = wanted
        .iter()
        .filter(|(name, _)| !present.contains(*name))
        .map(|(name, places)| {
            let near = hint(name, unused.iter().copied());
            format!(
                "`{name}` has no handler; it is the callable of {}{near}",
                places.join(" and ")
            )
        });
    let problems: Vec<_> = duplicates.chain(missing).collect();
    if problems.is_empty() {
        Ok(unused.into_iter().map(str::to_owned).collect())
    } else {
        Err(Error::Handlers(problems))
    }
}

/// Steps without a time limit, by the file that leaves it out.
pub(crate) fn without_timeout(
    templates: &[(PathBuf, TaskTemplate)],
) -> impl Iterator<Item = (&Path, String)> {
    templates.iter().filter_map(|(file, template)| {
        let steps = template.steps.iter();
        let names: Vec<_> = steps
            .filter(|step| step.timeout_seconds.is_none())
            .map(|step| step.name.as_str())
            .collect();
        (!names.is_empty()).then(|| (file.as_path(), names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::{check, load, without_timeout};
    use crate::{Handlers, StepError};

    async fn nothing() -> Result<(), StepError> {
        Ok(())
    }

    #[test]
    fn missing_and_duplicate_handlers_are_one_error_and_unused_ones_none() {
        let folder = tempfile::TempDir::new().unwrap();
        let template = "name: t\nnamespace_name: n\nversion: 1.0.0\nsteps:\n  - {name: one, handler: {callable: a.one}}\n  - {name: two, handler: {callable: a.two}}\n";
        std::fs::create_dir(folder.path().join("deeper")).unwrap();
        std::fs::write(folder.path().join("deeper/t.yaml"), template).unwrap();
        let templates = load(folder.path()).unwrap();
        let good = Handlers::<()>::new()
            .add("a.one", nothing)
            .add("a.two", nothing);
        assert_eq!(check(&templates, &good).unwrap(), [""; 0]);
        // Generated a moment ago, say; no template names it yet.
        let more = good.add("a.three", nothing);
        assert_eq!(check(&templates, &more).unwrap(), ["a.three"]);
        let bad = Handlers::<()>::new()
            .add("a.one", nothing)
            .add("a.one", nothing)
            .add("a.twoo", nothing)
            .add("unrelated", nothing);
        let error = check(&templates, &bad).unwrap_err().to_string();
        for part in [
            "`a.one` has two handlers",
            "`a.two` has no handler; it is the callable of step `two` in",
            "; did you mean `a.twoo`?",
        ] {
            assert!(error.contains(part), "{part:?} is not in\n{error}");
        }
        // The typo is the cause; nobody has to remove a handler.
        assert!(!error.contains("unrelated"), "{error}");
    }

    #[test]
    fn steps_without_a_time_limit_are_named_once_for_each_file() {
        let folder = tempfile::TempDir::new().unwrap();
        let write = |name: &str, limits: [&str; 2]| {
            let [a, b] = limits;
            let text = format!(
                "name: {name}\nnamespace_name: n\nversion: 1.0.0\nsteps:\n  - {{name: a, handler: {{callable: x}}{a}}}\n  - {{name: b, handler: {{callable: x}}{b}}}\n"
            );
            std::fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
        };
        let limit = ", timeout_seconds: 5";
        write("good", [limit, limit]);
        write("none", ["", ""]);
        write("one", [limit, ""]);
        let templates = load(folder.path()).unwrap();
        let found: Vec<_> = without_timeout(&templates)
            .map(|(file, steps)| (file.file_name().unwrap().to_str().unwrap(), steps))
            .collect();
        let expected = [("none.yaml", "a, b"), ("one.yaml", "b")];
        assert_eq!(
            found,
            expected.map(|(file, steps)| (file, steps.to_owned()))
        );
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

    #[cfg(unix)]
    #[test]
    fn a_mounted_config_map_has_each_template_once() {
        let folder = tempfile::TempDir::new().unwrap();
        let real = folder.path().join("..2026_12_01");
        std::fs::create_dir(&real).unwrap();
        let template = "name: t\nnamespace_name: n\nversion: 1.0.0\nsteps: []\n";
        std::fs::write(real.join("t.yaml"), template).unwrap();
        let link = |from: &str, to: &str| {
            std::os::unix::fs::symlink(from, folder.path().join(to)).unwrap();
        };
        link("..2026_12_01", "..data");
        link("..data/t.yaml", "t.yaml");
        assert_eq!(load(folder.path()).unwrap().len(), 1);
        // A text that is not UTF-8 is not a missing field.
        std::fs::write(real.join("t.yaml"), b"name: \xff").unwrap();
        let error = load(folder.path()).unwrap_err().to_string();
        assert!(error.contains("UTF-8"), "{error}");
    }
}
