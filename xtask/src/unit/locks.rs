//! The lock file of a tool that is compiled here: the repository's `Cargo.lock`, and a short one of what only the tool takes. So whatever both are
//! made of has one version, and is compiled once.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::manifest::{parse_toml, Malformed};

type Parsed<T> = std::result::Result<T, Malformed>;

/// One lock file of several; of packages in more than one the first counts. cargo drops what nothing depends on.
pub fn merged(locks: &[&str]) -> Parsed<String> {
    let mut packages = BTreeMap::new();
    for lock in locks {
        for package in with_versions(lock)? {
            packages.entry(id(&package)).or_insert(package);
        }
    }
    let packages = packages.into_values().map(Value::Table).collect();
    let mut lock = Table::new();
    lock.insert("version".to_owned(), Value::Integer(4));
    lock.insert("package".to_owned(), Value::Array(packages));
    Ok(lock.to_string())
}

/// The packages of a registry that a lock file has and another one has not.
pub fn added(lock: &str, to: &str) -> Parsed<Vec<String>> {
    let old: BTreeSet<(String, String)> = packages(to)?.iter().map(id).collect();
    let new = packages(lock)?;
    let new = new.iter().filter(|package| package.contains_key("source"));
    Ok(new
        .map(id)
        .filter(|package| !old.contains(package))
        .map(|(name, version)| format!("{name} {version}"))
        .collect())
}

/// Packages whose dependencies all have a version: cargo leaves it out where there is one of that name, and in another lock there may be two.
fn with_versions(lock: &str) -> Parsed<Vec<Table>> {
    let mut packages = packages(lock)?;
    let versions: BTreeMap<String, String> = packages.iter().map(id).collect();
    for package in &mut packages {
        let dependencies = package
            .get_mut("dependencies")
            .and_then(Value::as_array_mut);
        for dependency in dependencies.into_iter().flatten() {
            if let Some(version) = dependency.as_str().and_then(|name| versions.get(name)) {
                *dependency =
                    format!("{} {version}", dependency.as_str().unwrap_or_default()).into();
            }
        }
    }
    Ok(packages)
}

fn packages(lock: &str) -> Parsed<Vec<Table>> {
    let packages = parse_toml(lock)?.remove("package");
    let packages = packages.and_then(|packages| packages.as_array().cloned());
    let packages = packages.unwrap_or_default().into_iter();
    Ok(packages
        .filter_map(|package| package.as_table().cloned())
        .collect())
}

fn id(package: &Table) -> (String, String) {
    let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default();
    (text("name").to_owned(), text("version").to_owned())
}

#[cfg(test)]
mod tests {
    use super::{added, merged};

    const REPOSITORY: &str = r#"
        [[package]]
        name = "ours"
        version = "0.1.0"
        dependencies = ["leaf"]
        [[package]]
        name = "leaf"
        version = "1.0.0"
        source = "registry""#;
    const TOOL: &str = r#"
        [[package]]
        name = "leaf"
        version = "2.0.0"
        source = "registry"
        [[package]]
        name = "leaf"
        version = "1.0.0"
        source = "another""#;

    #[test]
    fn a_dependency_without_a_version_means_the_one_of_its_own_lock() {
        let lock = merged(&[REPOSITORY, TOOL]).unwrap();
        assert!(lock.contains(r#"dependencies = ["leaf 1.0.0"]"#), "{lock}");
        assert_eq!(lock.matches(r#"name = "leaf""#).count(), 2, "{lock}");
        assert!(!lock.contains("another"), "{lock}");
    }

    #[test]
    fn a_package_that_cargo_chose_itself_is_named() {
        let lock = merged(&[REPOSITORY, TOOL]).unwrap();
        assert_eq!(added(&lock, &lock).unwrap(), [""; 0]);
        assert_eq!(added(&lock, REPOSITORY).unwrap(), ["leaf 2.0.0"]);
    }
}
