//! Installing a pinned tool: fetch by the registry's client, compare the checksum, unpack, rename into place.
//!
//! Everything happens in a scratch folder next to the destination; the destination appears in one rename, so a tool is
//! there completely or not at all. A file lock makes a second xtask wait for the first and then find the tool ready.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::command::run;
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::layout::target_folder;
use crate::process::Invocation;
use crate::tools::{Beside, PinnedTool, Registry};
use crate::unit::{locks, Malformed};

/// Installs a tool unless it is there.
pub fn install(root: &Path, tool: &PinnedTool, log: &Path, interrupt: &Interrupt) -> Result<()> {
    let tools = tool
        .folder
        .parent()
        .expect("a tool's folder lies in the folder of tools");
    std::fs::create_dir_all(tools).map_err(Error::io("create", tools))?;
    let _lock = lock(&tools.join(format!(".{}.lock", tool.name)), interrupt)?;
    if tool.is_installed() {
        return Ok(());
    }
    let scratch = tempfile::Builder::new()
        .prefix(&format!(".{}-", tool.name))
        .tempdir_in(tools)
        .map_err(Error::io("create a scratch folder in", tools))?;
    let job = Job {
        root,
        tool,
        log,
        interrupt,
        scratch: scratch.path(),
    };
    let archive = job.fetch()?;
    job.verify(&archive)?;
    let unpacked = job.unpack(&archive)?;
    job.make_links(&unpacked)?;
    job.make_executable(&unpacked)?;
    if tool.folder.exists() {
        // Without its program, or the check above had returned: a folder that somebody damaged.
        std::fs::remove_dir_all(&tool.folder).map_err(Error::io("remove", &tool.folder))?;
    }
    std::fs::rename(&unpacked, &tool.folder).map_err(Error::io("create", &tool.folder))
}

/// Waits for a file lock; the system releases it when its holder ends, however it ends.
fn lock(path: &Path, interrupt: &Interrupt) -> Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(Error::io("open", path))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) if interrupt.is_set() => {
                return Err(Error::Interrupted)
            }
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
            Err(std::fs::TryLockError::Error(error)) => return Err(Error::io("lock", path)(error)),
        }
    }
}

/// As in the repository's own workspace, so that what both compile is compiled once.
const PROFILE: &str = "[profile.dev]\ndebug = false\n\n";

struct Job<'a> {
    root: &'a Path,
    tool: &'a PinnedTool,
    log: &'a Path,
    interrupt: &'a Interrupt,
    scratch: &'a Path,
}

#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

impl Job<'_> {
    fn failed(&self, why: impl Into<String>, fix: impl Into<String>) -> Error {
        Error::Install {
            tool: self.tool.name.clone(),
            version: self.tool.version.clone(),
            why: why.into(),
            fix: fix.into(),
        }
    }

    fn client<const N: usize>(&self, argv: [&str; N]) -> Result<()> {
        run(
            "tools",
            &Invocation::new(self.scratch, argv),
            self.log,
            self.interrupt,
        )
        .map_err(|error| match error {
            Error::CommandFailed {
                command, status, ..
            } => self.failed(
                format!("`{command}` failed with {status}"),
                format!(
                    "read {}, then check network and registry settings of {}",
                    self.log.display(),
                    argv[0]
                ),
            ),
            Error::CannotStart { command, why, .. } => self.failed(
                format!("cannot start `{command}`: {why}"),
                "cargo xtask doctor",
            ),
            other => other,
        })
    }

    /// Lets the registry's client fetch the archive.
    fn fetch(&self) -> Result<PathBuf> {
        let PinnedTool {
            package,
            package_version,
            ..
        } = self.tool;
        match self.tool.registry {
            Registry::Npm => {
                self.client([
                    "npm",
                    "pack",
                    "--silent",
                    "--ignore-scripts",
                    &format!("{package}@{package_version}"),
                ])?;
                self.only_file(".tgz")
            }
            Registry::Pypi => {
                let wanted = format!("{package}=={package_version}");
                self.client([
                    "python3",
                    "-m",
                    "pip",
                    "download",
                    "--disable-pip-version-check",
                    "--no-input",
                    "--no-deps",
                    "--only-binary",
                    ":all:",
                    &wanted,
                ])?;
                self.only_file(".whl")
            }
            Registry::Crates => {
                self.fetch_crate()?;
                self.crate_in_cache()
            }
        }
    }

    /// cargo fetches for a package only, so there is one that depends on the tool and nothing else. The [workspace] line keeps it apart from
    /// the repository around it.
    fn fetch_crate(&self) -> Result<()> {
        let PinnedTool {
            package,
            package_version,
            ..
        } = self.tool;
        let source = self.scratch.join("src");
        std::fs::create_dir(&source).map_err(Error::io("create", &source))?;
        std::fs::write(source.join("lib.rs"), "").map_err(Error::io("write", &source))?;
        let manifest = self.scratch.join("Cargo.toml");
        std::fs::write(
            &manifest,
            format!(
                "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n{}\
                 [dependencies]\n{package} = \"={package_version}\"\n{}",
                PROFILE,
                self.beside()
            ),
        )
        .map_err(Error::io("write", &manifest))?;
        match &self.tool.build {
            None => self.client(["cargo", "fetch", "--manifest-path", "Cargo.toml"])?,
            Some(build) => self.fetch_locked(&self.root.join(&build.lock))?,
        }
        Ok(())
    }

    /// Fetches what two lock files have: the repository's, and the tool's own of what is not in that one.
    fn fetch_locked(&self, own: &Path) -> Result<()> {
        let file = self.scratch.join("Cargo.lock");
        let ours = crate::file::read(&self.root.join("Cargo.lock"))?;
        let malformed = |bad: Malformed| self.failed(bad.why, "restore the lock file");
        let lock = locks::merged(&[&ours, &crate::file::read(own)?]).map_err(malformed)?;
        std::fs::write(&file, &lock).map_err(Error::io("write", &file))?;
        self.client(["cargo", "fetch", "--manifest-path", "Cargo.toml"])?;
        let added = locks::added(&crate::file::read(&file)?, &lock).map_err(malformed)?;
        if added.is_empty() {
            return Ok(());
        }
        Err(self.failed(
            format!(
                "cargo chose versions that no lock file has: {}",
                added.join(", ")
            ),
            format!("add them to {}", own.display()),
        ))
    }

    fn only_file(&self, suffix: &str) -> Result<PathBuf> {
        entries(self.scratch)?
            .into_iter()
            .find(|path| path.to_string_lossy().ends_with(suffix))
            .ok_or_else(|| {
                self.failed(
                    format!("the client left no *{suffix} file"),
                    format!("read {}", self.log.display()),
                )
            })
    }

    /// The `.crate` file that cargo keeps for each package it fetched, whichever registry or mirror it came from.
    fn crate_in_cache(&self) -> Result<PathBuf> {
        let home = std::env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))
            .ok_or_else(|| self.failed("neither CARGO_HOME nor HOME is set", "export HOME"))?;
        let name = format!("{}-{}.crate", self.tool.package, self.tool.package_version);
        let cache = home.join("registry/cache");
        let found: Vec<PathBuf> = entries(&cache)?
            .into_iter()
            .map(|registry| registry.join(&name))
            .filter(|file| file.is_file())
            .collect();
        // With several mirrors the one with the pinned bytes is right; with none, the first makes the error message.
        let pinned = found
            .iter()
            .find(|file| sha256(file).is_ok_and(|sum| self.tool.sha256.contains(&sum)));
        pinned.or(found.first()).cloned().ok_or_else(|| {
            self.failed(
                format!("cargo fetched {} but {} does not hold {name}", self.tool.package, cache.display()),
                "remove source replacements by directory from cargo's configuration, or set PROTOC yourself",
            )
        })
    }

    fn verify(&self, archive: &Path) -> Result<()> {
        let found = sha256(archive)?;
        if self.tool.sha256.contains(&found) {
            return Ok(());
        }
        Err(Error::Checksum {
            tool: self.tool.name.clone(),
            version: self.tool.version.clone(),
            file: archive
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            wanted: self.tool.sha256.join(" or "),
            found,
        })
    }

    /// Unpacks into `scratch/unpacked` and gives the folder to keep.
    fn unpack(&self, archive: &Path) -> Result<PathBuf> {
        let into = self.scratch.join("unpacked");
        match self.tool.registry {
            Registry::Pypi => {
                let wheel = archive.to_string_lossy();
                self.client([
                    "python3",
                    "-m",
                    "pip",
                    "install",
                    "--disable-pip-version-check",
                    "--no-input",
                    "--quiet",
                    "--no-index",
                    "--no-deps",
                    "--no-compile",
                    "--target",
                    "unpacked",
                    &wheel,
                ])?;
            }
            Registry::Crates if self.tool.build.is_some() => self.compile(&into)?,
            Registry::Npm | Registry::Crates => {
                untar(archive, &into).map_err(|why| self.failed(why, "cargo xtask setup"))?;
            }
        }
        let keep = self
            .tool
            .subfolder
            .as_ref()
            .map_or(into.clone(), |folder| into.join(folder));
        if keep.join(&self.tool.binary).is_file() {
            return Ok(keep);
        }
        Err(self.failed(
            format!("the package holds no {}", self.tool.binary.display()),
            "correct `binary` or `subfolder` in xtask/tools.toml",
        ))
    }

    /// Lines of a manifest that turn on features of what the tool depends on.
    fn beside(&self) -> String {
        let Some(build) = &self.tool.build else {
            return String::new();
        };
        let features = build.features_of.iter().map(|folder| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            format!("{name} = {{ path = {:?} }}\n", self.root.join(folder))
        });
        let beside = build.beside.iter();
        let beside = beside.map(|(name, Beside { version, features })| {
            format!("{name} = {{ version = {version:?}, features = {features:?} }}\n")
        });
        features.chain(beside).collect()
    }

    /// Compiles the tool as a dependency of the package that fetched it. cargo builds a dependency's program when asked by name,
    /// and so that package's lock and its further dependencies apply, which `cargo install` allows neither of. The target folder is
    /// the repository's, where much of what it depends on has been compiled before.
    fn compile(&self, into: &Path) -> Result<()> {
        let target = target_folder(self.root);
        let name = &self.tool.package;
        self.client([
            "cargo",
            "build",
            "--locked",
            "--target-dir",
            &target.to_string_lossy(),
            "--package",
            name,
            "--bin",
            name,
        ])?;
        let (built, program) = (
            target.join("debug").join(name),
            into.join(&self.tool.binary),
        );
        let folder = program.parent().unwrap_or(into);
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        std::fs::copy(&built, &program).map_err(Error::io("copy", &built))?;
        Ok(())
    }

    fn make_links(&self, unpacked: &Path) -> Result<()> {
        let Some(list) = &self.tool.links else {
            return Ok(());
        };
        let file = unpacked.join(list);
        let links: Vec<Link> =
            serde_json::from_str(&crate::file::read(&file)?).map_err(|error| {
                self.failed(
                    format!("{list}: {error}"),
                    "correct `links` in xtask/tools.toml",
                )
            })?;
        let base = self.scratch.join("unpacked");
        for link in links {
            let (source, target) = (
                base.join(inside(&link.source)),
                base.join(inside(&link.target)),
            );
            let folder = target.parent().unwrap_or(&base);
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
            // Relative, so that the folder can be renamed into place. All links of the list lie beside what they name.
            let name = if source.parent() == target.parent() {
                PathBuf::from(source.file_name().unwrap_or_default())
            } else {
                self.tool
                    .folder
                    .join(source.strip_prefix(unpacked).unwrap_or(&source))
            };
            std::os::unix::fs::symlink(name, &target).map_err(Error::io("link", &target))?;
        }
        Ok(())
    }

    /// Some archives lose the executable bit; programs lie in `bin`.
    fn make_executable(&self, unpacked: &Path) -> Result<()> {
        let folder = unpacked.join(self.tool.binary.parent().unwrap_or(Path::new("")));
        for file in entries(&folder)?.into_iter().filter(|file| file.is_file()) {
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755))
                .map_err(Error::io("change", &file))?;
        }
        // The scratch folder is private; PostgreSQL must also be readable by the account that a root user drops to.
        std::fs::set_permissions(unpacked, PermissionsExt::from_mode(0o755))
            .map_err(Error::io("change", unpacked))
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(Error::io("read", folder))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    entries.sort();
    Ok(entries)
}

/// The sha256 of a file, in lower-case hexadecimal.
pub fn sha256(file: &Path) -> Result<String> {
    let mut source = File::open(file).map_err(Error::io("read", file))?;
    let mut sum = Sha256::new();
    let mut buffer = [0; 64 * 1024];
    loop {
        let read = source.read(&mut buffer).map_err(Error::io("read", file))?;
        if read == 0 {
            break;
        }
        sum.update(&buffer[..read]);
    }
    Ok(hex::encode(sum.finalize()))
}

/// Unpacks a gzipped archive without its one top folder (npm's `package/`, cargo's `name-version/`).
fn untar(archive: &Path, into: &Path) -> std::result::Result<(), String> {
    let problem = |error: std::io::Error| format!("cannot unpack {}: {error}", archive.display());
    let mut archive_file = tar::Archive::new(flate2::read::GzDecoder::new(
        File::open(archive).map_err(problem)?,
    ));
    for entry in archive_file.entries().map_err(problem)? {
        let mut entry = entry.map_err(problem)?;
        let path = entry.path().map_err(problem)?.into_owned();
        let path = inside(&path.components().skip(1).collect::<PathBuf>());
        if path.as_os_str().is_empty() {
            continue;
        }
        let target = into.join(path);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(problem)?;
        }
        entry.unpack(&target).map_err(problem)?;
    }
    Ok(())
}

/// A path without anything that could lead out of the folder it is joined to.
fn inside(path: &Path) -> PathBuf {
    path.components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .collect()
}
