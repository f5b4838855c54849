//! What `Cargo.lock` says about a package: everything that is compiled for it.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// The graph of a lock file.
#[derive(Debug, Default)]
pub struct Locked {
    /// What each package depends on, by name.
    uses: HashMap<String, Vec<String>>,
}

impl Locked {
    /// Reads it. Cargo writes the file, one value a line, so it is read by lines: parsing ten thousand of them as TOML would take longer than all else
    /// that a run does. A lock file that is not there has no packages.
    ///
    /// Versions are ignored: two versions of a crate count as one, which is near enough for "about 500 crates".
    pub fn read(lock: &Path) -> Self {
        Self::of(&std::fs::read_to_string(lock).unwrap_or_default())
    }

    fn of(text: &str) -> Self {
        let mut uses: HashMap<String, Vec<String>> = HashMap::new();
        let mut package = String::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("name = ") {
                name.trim_matches('"').clone_into(&mut package);
                uses.entry(package.clone()).or_default();
            } else if let Some(dependency) = line.strip_prefix(" \"") {
                // `name`, or with a version where there are several.
                let end = dependency.find([' ', '"']).unwrap_or(dependency.len());
                let of = uses.entry(package.clone()).or_default();
                of.push(dependency[..end].to_owned());
            }
        }
        Self { uses }
    }

    /// Names of all packages compiled for one package, itself included; empty if it is not listed.
    pub fn compiled_for(&self, package: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![package];
        while let Some(name) = open.pop() {
            if let Some(next) = self.uses.get(name) {
                if found.insert(name.to_owned()) {
                    open.extend(next.iter().map(String::as_str));
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::Locked;

    #[test]
    fn the_lock_file_of_this_repository_says_what_its_tables_say() {
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
        let text = std::fs::read_to_string(lock).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let locked = Locked::of(&text);
        let packages = table["package"].as_array().unwrap();
        assert!(packages.len() > 100);
        for package in packages {
            let uses = package.get("dependencies").and_then(|list| list.as_array());
            for used in uses.into_iter().flatten() {
                let used = used.as_str().unwrap().split(' ').next().unwrap();
                let of = &locked.uses[package["name"].as_str().unwrap()];
                assert!(of.iter().any(|name| name == used), "{package}");
            }
        }
        assert!(locked.compiled_for("xtask").contains("sha2"));
        assert!(locked.compiled_for("no such package").is_empty());
    }
}
