//! What holds for every Compose file of the repository.

use std::path::PathBuf;
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files that match, with their text.
fn files(patterns: &[&str]) -> Vec<(String, String)> {
    let listed = Command::new("git")
        .arg("ls-files")
        .args(patterns)
        .current_dir(root())
        .output()
        .unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    names
        .lines()
        .map(|name| (name.to_owned(), read(name)))
        .collect()
}

/// The services of a file, each with its lines.
fn services(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    let lines = text.lines().skip_while(|line| *line != "services:").skip(1);
    for line in lines.take_while(|line| line.is_empty() || line.starts_with([' ', '#'])) {
        let name = line
            .strip_prefix("  ")
            .and_then(|rest| rest.strip_suffix(':'));
        match (name, found.last_mut()) {
            (Some(name), _) if !name.starts_with(' ') => found.push((name, Vec::new())),
            (_, Some((_, of))) => of.push(line.trim()),
            _ => {}
        }
    }
    found
}

/// Whether another service of the file starts when this one has ended.
fn ends(service: &str, text: &str) -> bool {
    let in_one_line = format!("{service}: {{condition: service_completed_successfully}}");
    let in_two = format!("{service}:\n        condition: service_completed_successfully");
    text.contains(&in_one_line) || text.contains(&in_two)
}

/// Compose refuses to wait for a container whose health check is off, unless it waits for its end.
#[test]
fn up_wait_can_wait_for_every_service() {
    let files = files(&["*compose*.yaml", "*compose*.yml.tera"]);
    assert!(files.len() > 10, "{}", files.len());
    let mut seen = 0;
    for (file, text) in &files {
        for (service, lines) in services(text) {
            seen += 1;
            let is_off = lines.iter().any(|line| line.contains("disable: true"));
            assert!(
                !is_off || ends(service, text),
                "{file}: `up --wait` fails for the service {service}, whose health check is disabled; fix: `test: [CMD, \"true\"]`"
            );
        }
    }
    assert!(seen > 50, "{seen}");
}

/// Compose takes the values of `.env` for every file beside it, and those of development are wrong in production's containers.
#[test]
fn production_takes_no_address_from_the_settings_of_development() {
    let files = files(&["*/.env.example"]);
    for (file, text) in &files {
        let Some(folder) = file.strip_suffix(".env.example") else {
            continue;
        };
        let production = root().join(folder).join("compose.production.yaml");
        let Ok(production) = std::fs::read_to_string(production) else {
            continue;
        };
        for line in text
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains("://"))
        {
            let name = line.split('=').next();
            let taken = format!("${{{}", name.unwrap());
            assert!(
                !production.contains(&taken),
                "{file}: compose.production.yaml takes {taken}…}}, too"
            );
        }
    }
    assert!(files.len() >= 4, "{files:?}");
}
