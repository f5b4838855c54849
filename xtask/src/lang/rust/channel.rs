//! Crates: packed and published by cargo.
//!
//! cargo has no command that uploads a given file: `cargo publish` packs again. What it packs depends only on the commit,
//! and before each upload it is packed again and compared, so that what goes up are the bytes that were verified.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::lock::{self, Entry};
use super::Rust;
use crate::archive;
use crate::error::{Error, Result};
use crate::file::write;
use crate::process::Invocation;
use crate::publish::secrets::is_set;
use crate::publish::sums::{Algorithm, Sum};
use crate::publish::{
    puzzled, smoke, source, Channel, Component, Context, May, Missing, Remote, Trial, Unit, Upload,
};

/// As in the repository's own workspace, so that what both compile is compiled once.
const PROFILE: &str = "[profile.dev]\ndebug = false\n";

fn file_of(unit: &Unit) -> String {
    format!("{}-{}.crate", unit.name, unit.written)
}

fn cargo(context: &Context, folder: &Path, words: &[&str]) -> Invocation {
    let mut invocation =
        Invocation::new(folder, [&["cargo"], words].concat()).env("CARGO_NET_RETRY", "0");
    if let Some(name) = &context.targets.crates {
        let takes = ["package", "publish"]
            .iter()
            .any(|word| words.first() == Some(word));
        if takes {
            invocation
                .argv
                .extend(["--registry".to_owned(), name.clone()]);
        }
    }
    invocation
}

fn packing(context: &Context, unit: &Unit, with: &[&Unit], target: &Path) -> Invocation {
    let folder = target.display().to_string();
    let mut words = vec![
        "package",
        "--quiet",
        "--no-verify",
        "--target-dir",
        &folder,
        "--package",
        &unit.name,
    ];
    for need in with {
        words.extend(["--package", &need.name]);
    }
    cargo(context, &source(context, unit), &words)
}

impl Channel for Rust {
    fn prefixes(&self) -> &'static [&'static str] {
        &["CARGO_REGISTRY_", "CARGO_REGISTRIES_"]
    }

    fn purl(&self) -> &'static str {
        "cargo"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["protoc"]
    }

    fn components(&self, context: &Context, unit: &Unit) -> Vec<Component> {
        locked_below(&context.source(), &unit.name)
    }

    fn pack(&self, context: &Context, unit: &Unit, with: &[&Unit], into: &Path) -> Result<()> {
        // A folder of its own: cargo locks it, and crates that are packed side by side must not wait for each other.
        let target =
            tempfile::tempdir_in(&context.folder).map_err(Error::io("create", &context.folder))?;
        context.succeed(
            &unit.folder,
            May::Build,
            &packing(context, unit, with, target.path()),
        )?;
        let made = target.path().join("package").join(file_of(unit));
        std::fs::copy(&made, into.join(file_of(unit)))
            .map(drop)
            .map_err(Error::io("copy", made))
    }

    fn is_artifact(&self, _unit: &Unit, name: &str) -> bool {
        name.ends_with(".crate")
    }

    fn verify(&self, context: &Context, trial: &Trial<'_>) -> Result<()> {
        let unit = trial.unit;
        let package = workspace(context, trial)?;
        let manifest = manifest_of(&package)?;
        let target = crate::layout::target_folder(&context.root);
        let build = Invocation::new(trial.folder, ["cargo", "build", "--quiet", "--workspace"])
            .env("CARGO_TARGET_DIR", target.display().to_string())
            .env("SQLX_OFFLINE", "true");
        let build = match context.programs.path("protoc") {
            Some(protoc) => build.env("PROTOC", protoc.display().to_string()),
            None => build,
        };
        context.succeed(&unit.folder, May::Build, &build)?;
        for program in programs(&manifest, &package, &unit.name) {
            let path = target.join("debug").join(program).display().to_string();
            context.succeed(
                &unit.folder,
                May::Build,
                &Invocation::new(trial.folder, [path.as_str(), "--version"]),
            )?;
        }
        smoke(context, trial, &target.join("debug"), |invocation| {
            invocation
        })
    }

    fn credentials(&self, context: &Context, _unit: &Unit) -> Result<(), Missing> {
        let variable = match &context.targets.crates {
            None => "CARGO_REGISTRY_TOKEN".to_owned(),
            Some(name) => format!(
                "CARGO_REGISTRIES_{}_TOKEN",
                name.to_uppercase().replace('-', "_")
            ),
        };
        if is_set(&variable) || is_logged_in(context.targets.crates.as_deref()) {
            return Ok(());
        }
        let login = context
            .targets
            .crates
            .as_ref()
            .map(|name| format!(" --registry {name}"))
            .unwrap_or_default();
        Err((
            "no credentials for the crate registry".into(),
            format!("set {variable}, or run `cargo login{login}`"),
        ))
    }

    /// Lets cargo resolve the exact version: its lock file has the sum, whatever protocol the registry speaks.
    fn probe(&self, context: &Context, unit: &Unit) -> Result<Vec<Remote>> {
        let scratch = tempfile::tempdir().map_err(Error::io("create", std::env::temp_dir()))?;
        let registry = context
            .targets
            .crates
            .as_ref()
            .map(|name| format!(", registry = \"{name}\""))
            .unwrap_or_default();
        write(
            &scratch.path().join("Cargo.toml"),
            format!(
                "[package]\nname = \"question\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n[dependencies]\n{} = {{ version = \"={}\"{registry} }}\n",
                unit.name, unit.written
            ),
        )?;
        write(&scratch.path().join("src/lib.rs"), "")?;
        let ask = Invocation::new(scratch.path(), ["cargo", "generate-lockfile"]);
        let asked = context.ask(&unit.folder, self.prefixes(), &ask)?;
        if !asked.status.success() {
            let absent = [
                "no matching package",
                "failed to select a version for the requirement",
                "does not exist in registry",
            ];
            let about_it = asked.text.contains(&format!("`{}", unit.name));
            if about_it && absent.iter().any(|words| asked.text.contains(words)) {
                return Ok(Vec::new());
            }
            let line = asked
                .text
                .lines()
                .find(|line| line.starts_with("error"))
                .unwrap_or("no answer");
            return Err(puzzled(unit, "cargo generate-lockfile", line));
        }
        let lock = crate::file::read(&scratch.path().join("Cargo.lock"))?;
        Ok(lock::entries(&lock)
            .iter()
            .filter(|entry| entry.name == unit.name && entry.version == unit.written)
            .map(|entry| Remote {
                file: None,
                sum: Sum::sha256(&entry.checksum),
            })
            .collect())
    }

    fn upload(&self, context: &Context, unit: &Unit, file: &Path) -> Result<Upload> {
        let target = context.folder.join("publish").join(&unit.name);
        std::fs::create_dir_all(&target).map_err(Error::io("create", &target))?;
        context.succeed(
            &unit.folder,
            May::Build,
            &packing(context, unit, &[], &target),
        )?;
        let again = Sum::of_file(
            Algorithm::Sha256,
            &target.join("package").join(file_of(unit)),
        )?;
        let packed = Sum::of_file(Algorithm::Sha256, file)?;
        if again != packed {
            return Err(Error::Version {
                why: format!("{}: cargo now packs different bytes ({again}) than those that were verified ({packed}); nothing was uploaded", unit.folder),
                fix: "look for a build script or a registry that gives different answers; then run it again".into(),
            });
        }
        let target = target.display().to_string();
        let words = [
            "publish",
            "--no-verify",
            "--target-dir",
            &target,
            "--package",
            &unit.name,
        ];
        Ok(Upload::Client(Box::new(cargo(
            context,
            &source(context, unit),
            &words,
        ))))
    }
}

/// Whether cargo's own store has a token.
fn is_logged_in(registry: Option<&str>) -> bool {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let Some(text) =
        home.and_then(|home| std::fs::read_to_string(home.join("credentials.toml")).ok())
    else {
        return false;
    };
    let table: toml::Table = text.parse().unwrap_or_default();
    let place = registry.map_or_else(
        || "registry.token".to_owned(),
        |name| format!("registries.{name}.token"),
    );
    crate::unit::lookup(&table, &place).is_some()
}

/// Unpacks the crate and what it needs into a workspace with a crate that uses it, if it is a library. Gives the crate's folder.
fn workspace(context: &Context, trial: &Trial<'_>) -> Result<PathBuf> {
    let unit = trial.unit;
    let mut patches = String::new();
    let needs = trial.needs.iter().map(|(need, packed)| (*need, packed));
    for (need, packed) in needs.chain([(unit, trial.packed)]) {
        archive::unpack(&packed.folder.join(file_of(need)), trial.folder)?;
        patches += &format!(
            "{} = {{ path = \"{}-{}\" }}\n",
            need.name, need.name, need.written
        );
    }
    let package = trial.folder.join(format!("{}-{}", unit.name, unit.written));
    let library =
        package.join("src/lib.rs").is_file() || manifest_of(&package)?.contains_key("lib");
    let consumer = if library {
        consume(context, trial)?;
        "\"consumer\", "
    } else {
        ""
    };
    let registry = context.targets.crates.as_deref().unwrap_or("crates-io");
    write(
        &trial.folder.join("Cargo.toml"),
        format!("[workspace]\nresolver = \"2\"\nmembers = [{consumer}\"{}-{}\"]\n\n[patch.{registry}]\n{patches}\n{PROFILE}", unit.name, unit.written),
    )?;
    // The versions that the repository was tested with.
    let lock = context.source().join("Cargo.lock");
    if lock.is_file() {
        std::fs::copy(&lock, trial.folder.join("Cargo.lock")).map_err(Error::io("copy", lock))?;
    }
    Ok(package)
}

/// A crate that depends on the released one and uses it.
fn consume(context: &Context, trial: &Trial<'_>) -> Result<()> {
    let unit = trial.unit;
    let own = context.targets.crates.as_ref();
    let own = own
        .map(|name| format!(", registry = \"{name}\""))
        .unwrap_or_default();
    write(
        &trial.folder.join("consumer/Cargo.toml"),
        format!("[package]\nname = \"consumer\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[dependencies]\n{} = {{ version = \"={}\"{own} }}\n", unit.name, unit.written),
    )?;
    write(
        &trial.folder.join("consumer/src/lib.rs"),
        format!("pub use {} as released;\n", unit.name.replace('-', "_")),
    )
}

fn manifest_of(package: &Path) -> Result<toml::Table> {
    let text = crate::file::read(&package.join("Cargo.toml"))?;
    Ok(text.parse().unwrap_or_default())
}

/// Names of the programs of a package.
fn programs(manifest: &toml::Table, package: &Path, name: &str) -> Vec<String> {
    let named = manifest
        .get("bin")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten();
    let mut names: Vec<String> = named
        .filter_map(|bin| Some(bin.get("name")?.as_str()?.to_owned()))
        .collect();
    if names.is_empty() && package.join("src/main.rs").is_file() {
        names.push(name.to_owned());
    }
    names
}

/// What a crate is compiled from, by its lock file, without itself.
/// What a crate of the workspace is compiled from.
pub fn locked_below(root: &Path, name: &str) -> Vec<Component> {
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    components(&lock, name)
}

fn components(lock: &str, name: &str) -> Vec<Component> {
    let entries = lock::entries(lock);
    // A dependency is named `name`, or `name version` where that is not enough.
    let find = |text: &str| {
        let (name, version) = text
            .split_once(' ')
            .map_or((text, None), |(name, rest)| (name, rest.split(' ').next()));
        entries.iter().find(|entry| {
            entry.name == name && version.is_none_or(|version| entry.version == version)
        })
    };
    let mut open: Vec<&Entry> = find(name).into_iter().collect();
    let mut found = BTreeMap::new();
    while let Some(entry) = open.pop() {
        let key = (&entry.name, &entry.version);
        if found.insert(key, entry).is_none() {
            open.extend(entry.dependencies.iter().filter_map(|text| find(text)));
        }
    }
    let others = found.into_values().filter(|entry| entry.name != name);
    others
        .map(|entry| Component {
            kind: Some("cargo"),
            name: entry.name.clone(),
            version: entry.version.clone(),
            sha256: entry.checksum.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::components;

    #[test]
    fn a_lock_file_says_what_a_crate_is_made_of() {
        let lock = "[[package]]\nname = \"own\"\nversion = \"1.0.0\"\ndependencies = [\"a\", \"b 2.0.0\"]\n\n\
            [[package]]\nname = \"a\"\nversion = \"0.1.0\"\nchecksum = \"aa\"\ndependencies = [\"c\"]\n\n\
            [[package]]\nname = \"b\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\n\n\
            [[package]]\nname = \"c\"\nversion = \"3.0.0\"\n\n[[package]]\nname = \"other\"\nversion = \"9.0.0\"\n";
        let found: Vec<String> = components(lock, "own")
            .iter()
            .map(|one| format!("{}@{}", one.name, one.version))
            .collect();
        assert_eq!(found, ["a@0.1.0", "b@2.0.0", "c@3.0.0"]);
    }
}
