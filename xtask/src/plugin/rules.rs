//! What must be true of a plugin. One line per problem: the file, what is wrong, and why it matters or what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::manifest::{leaves, parse, Listed, Manifest, Output, Template, FILE, TEMPLATE_FILE};
use super::spec;
use super::variables::{reads, Reads};

/// Everything wrong with a plugin.
pub fn problems(folder: &Path) -> Vec<String> {
    let manifest: Manifest = match parse(folder, FILE) {
        Ok(manifest) => manifest,
        Err(problem) => return vec![problem],
    };
    let mut problems = about(&manifest);
    for (index, listed) in manifest.templates.iter().enumerate() {
        if listed.description.is_empty() {
            problems.push(format!(
                "{FILE}: template `{}` needs a description",
                listed.name
            ));
        }
        let is_same = |other: &Listed| other.name.eq_ignore_ascii_case(&listed.name);
        if manifest.templates[..index].iter().any(is_same) {
            problems.push(format!(
                "{FILE}: template `{}` is listed twice; the second is never found",
                listed.name
            ));
        }
        if leaves(&listed.path) {
            problems.push(format!(
                "{FILE}: template `{}` has the path `{}`, which leads out of the plugin",
                listed.name, listed.path
            ));
        } else {
            problems.extend(template(folder, listed));
        }
    }
    problems.extend(unlisted(folder, &manifest));
    problems.extend(spec::problems(folder, &manifest));
    problems
}

fn about(manifest: &Manifest) -> Vec<String> {
    let about = &manifest.plugin;
    let texts = [
        ("name", &about.name),
        ("description", &about.description),
        ("version", &about.version),
        ("language", &about.language),
    ];
    let mut problems: Vec<String> = texts
        .iter()
        .filter(|(_, text)| text.trim().is_empty())
        .map(|(key, _)| format!("{FILE}: [plugin] needs a string `{key}`"))
        .collect();
    let numbers: Vec<&str> = about
        .version
        .split(['-', '+'])
        .next()
        .unwrap_or_default()
        .split('.')
        .collect();
    if numbers.len() != 3 || numbers.iter().any(|part| part.parse::<u64>().is_err()) {
        problems.push(format!(
            "{FILE}: version `{}` is not of the form 1.2.3, so no profile can pin it",
            about.version
        ));
    }
    problems
}

/// Folders with a `template.toml` that nobody can generate.
fn unlisted(folder: &Path, manifest: &Manifest) -> Vec<String> {
    let listed: BTreeSet<&Path> = manifest
        .templates
        .iter()
        .map(|listed| Path::new(&listed.path))
        .collect();
    let mut found: Vec<String> = std::fs::read_dir(folder.join("templates"))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join(TEMPLATE_FILE).is_file())
        .map(|entry| format!("templates/{}", entry.file_name().to_string_lossy()))
        .filter(|path| !listed.contains(Path::new(path)))
        .map(|path| {
            format!("{path}/{TEMPLATE_FILE}: {FILE} does not list it, so it is never found")
        })
        .collect();
    found.sort();
    found
}

fn template(folder: &Path, listed: &Listed) -> Vec<String> {
    let name = format!("{}/{TEMPLATE_FILE}", listed.path);
    let template: Template = match parse(folder, &name) {
        Ok(template) => template,
        Err(problem) => return vec![problem],
    };
    let mut problems = Vec::new();
    if template.name != listed.name {
        problems.push(format!(
            "{name}: name is `{}`, but the manifest lists `{}`",
            template.name, listed.name
        ));
    }
    if template.outputs.is_empty() {
        problems.push(format!(
            "{name}: there is no [[outputs]], so it generates nothing"
        ));
    }
    problems.extend(
        parameters(&template)
            .into_iter()
            .map(|problem| format!("{name}: {problem}")),
    );
    problems.extend(
        outputs(&template)
            .into_iter()
            .map(|problem| format!("{name}: {problem}")),
    );
    problems.extend(variables(
        &folder.join(&listed.path),
        &listed.path,
        &template,
    ));
    problems
}

fn parameters(template: &Template) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, parameter) in template.parameters.iter().enumerate() {
        let name = &parameter.name;
        if parameter.description.is_empty() {
            problems.push(format!("parameter `{name}` needs a description"));
        }
        if parameter.required && parameter.default.is_some() {
            problems.push(format!(
                "parameter `{name}` is required and has a default; `required` has no effect"
            ));
        }
        if template.parameters[..index]
            .iter()
            .any(|other| other.name == *name)
        {
            problems.push(format!("parameter `{name}` is declared twice"));
        }
    }
    problems
}

fn outputs(template: &Template) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = BTreeMap::new();
    for output in &template.outputs {
        if !output.template.ends_with(".tera") || output.template.contains('/') {
            problems.push(format!(
                "`{}` must be a *.tera file of the template's own folder; tasker-ctl loads no other files",
                output.template
            ));
        }
        let path = output.path();
        if leaves(&path) {
            problems.push(format!(
                "output `{path}` leads out of the folder it is generated in"
            ));
        }
        // The value may be anything.
        for part in [Some(&output.filename), output.subdir.as_ref()]
            .into_iter()
            .flatten()
        {
            for variable in reads(part).printed_bare {
                problems.push(format!(
                    "output `{path}` takes `{variable}` as it is, so `../` or a first `/` in its value leads out of the folder; add a filter such as snake_case"
                ));
            }
        }
        if let Some(other) = seen.insert(path.to_lowercase(), &output.template) {
            problems.push(format!(
                "outputs `{other}` and `{}` make the same file `{path}`; the second overwrites the first",
                output.template
            ));
        }
    }
    problems
}

/// Compares the parameters with what the files read.
fn variables(folder: &Path, name: &str, template: &Template) -> Vec<String> {
    let mut problems = Vec::new();
    let mut used = BTreeSet::new();
    let mut reached = BTreeSet::new();
    let mut next: Vec<String> = template
        .outputs
        .iter()
        .map(|output| output.template.clone())
        .collect();
    while let Some(file) = next.pop() {
        if !reached.insert(file.clone()) {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(folder.join(&file)) else {
            problems.push(format!(
                "{name}/{TEMPLATE_FILE}: `{file}` is not a file of the template's folder"
            ));
            continue;
        };
        let found = reads(&text);
        problems.extend(undefined(&format!("{name}/{file}"), template, &found));
        used.extend(found.variables.into_keys());
        next.extend(found.files);
    }
    for Output {
        filename, subdir, ..
    } in &template.outputs
    {
        for part in [Some(filename), subdir.as_ref()].into_iter().flatten() {
            let found = Reads {
                variables: reads(part)
                    .variables
                    .into_keys()
                    .map(|name| (name, 0))
                    .collect(),
                ..Reads::default()
            };
            problems.extend(undefined(
                &format!("{name}/{TEMPLATE_FILE}"),
                template,
                &found,
            ));
            used.extend(found.variables.into_keys());
        }
    }
    for parameter in template
        .parameters
        .iter()
        .filter(|parameter| !used.contains(&parameter.name))
    {
        problems.push(format!(
            "{name}/{TEMPLATE_FILE}: parameter `{}` is never used",
            parameter.name
        ));
    }
    for file in tera_files(folder).difference(&reached) {
        problems.push(format!(
            "{name}/{file}: no output and no other file uses it"
        ));
    }
    problems
}

fn undefined(place: &str, template: &Template, found: &Reads) -> Vec<String> {
    let known: Vec<&str> = template
        .parameters
        .iter()
        .map(|parameter| parameter.name.as_str())
        .collect();
    found
        .variables
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()))
        .map(|(name, line)| {
            let line = if *line == 0 {
                String::new()
            } else {
                format!(":{line}")
            };
            let meant = crate::error::closest(name, known.iter().copied())
                .map(|name| format!("; did you mean `{name}`?"))
                .unwrap_or_default();
            format!("{place}{line}: `{name}` is not a parameter of the template{meant}")
        })
        .collect()
}

fn tera_files(folder: &Path) -> BTreeSet<String> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".tera"))
        .collect()
}
