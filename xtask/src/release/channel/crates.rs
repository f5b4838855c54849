//! Crates: packed and published by cargo.
//!
//! cargo has no command that uploads a given file: `cargo publish` packs again. What it packs depends only on the commit,
//! and before each upload it is packed again and compared, so that what goes up are the bytes that were verified.

use std::path::{Path, PathBuf};

use super::{puzzled, smoke, source, Channel, Missing, Remote, Trial, Upload};
use crate::error::{Error, Result};
use crate::process::Invocation;
use crate::release::effects::{write_now, Context, May};
use crate::release::pack;
use crate::release::secrets::is_set;
use crate::release::sums::{Algorithm, Sum};
use crate::release::Unit;

/// See the module documentation.
pub struct Crates;

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

impl Channel for Crates {
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
        let target = crate::lang::rust::target_folder(&context.root);
        let build = Invocation::new(trial.folder, ["cargo", "build", "--quiet", "--workspace"])
            .env("CARGO_TARGET_DIR", target.display().to_string())
            .env("SQLX_OFFLINE", "true");
        let build = match &context.programs.protoc {
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
        write_now(
            &scratch.path().join("Cargo.toml"),
            &format!(
                "[package]\nname = \"question\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n[dependencies]\n{} = {{ version = \"={}\"{registry} }}\n",
                unit.name, unit.written
            ),
        )?;
        write_now(&scratch.path().join("src/lib.rs"), "")?;
        let ask = Invocation::new(scratch.path(), ["cargo", "generate-lockfile"]);
        let asked = context.ask(&unit.folder, unit.ecosystem, &ask)?;
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
        let table: toml::Table = lock.parse().unwrap_or_default();
        let entries = table
            .get("package")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten();
        let word = |entry: &toml::Value, key: &str| {
            entry
                .get(key)
                .and_then(toml::Value::as_str)
                .unwrap_or("")
                .to_owned()
        };
        Ok(entries
            .filter(|entry| {
                word(entry, "name") == unit.name && word(entry, "version") == unit.written
            })
            .map(|entry| Remote {
                file: None,
                sum: Sum::sha256(&word(entry, "checksum")),
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
    crate::lang::lookup(&table, &place).is_some()
}

/// Unpacks the crate and what it needs into a workspace with a crate that uses it, if it is a library. Gives the crate's folder.
fn workspace(context: &Context, trial: &Trial<'_>) -> Result<PathBuf> {
    let unit = trial.unit;
    let mut patches = String::new();
    let needs = trial.needs.iter().map(|(need, packed)| (*need, packed));
    for (need, packed) in needs.chain([(unit, trial.packed)]) {
        pack::unpack(&packed.folder.join(file_of(need)), trial.folder)?;
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
    write_now(
        &trial.folder.join("Cargo.toml"),
        &format!("[workspace]\nresolver = \"2\"\nmembers = [{consumer}\"{}-{}\"]\n\n[patch.{registry}]\n{patches}\n{PROFILE}", unit.name, unit.written),
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
    write_now(
        &trial.folder.join("consumer/Cargo.toml"),
        &format!("[package]\nname = \"consumer\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[dependencies]\n{} = {{ version = \"={}\"{own} }}\n", unit.name, unit.written),
    )?;
    write_now(
        &trial.folder.join("consumer/src/lib.rs"),
        &format!("pub use {} as released;\n", unit.name.replace('-', "_")),
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
