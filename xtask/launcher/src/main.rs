//! What `cargo xtask` starts: the built xtask if it was built from the sources as they are now, else cargo first.
//!
//! `cargo run --package xtask` makes cargo read the manifests and the lock file of the whole repository, hundreds of packages, each time.
//! This package has no dependency and a lock file of one entry, so cargo is done with it in milliseconds; what it then has to find
//! out is whether some hundred files are the same, by reading them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

/// What the program is made from, relative to the repository. Files that are not there count as that.
const SOURCES: [&str; 5] = [
    "xtask/src",
    "xtask/Cargo.toml",
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
];
/// Variables that change what cargo builds, or where.
const CHOICES: [&str; 4] = [
    "RUSTUP_TOOLCHAIN",
    "RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET",
];
/// The profile that it is built with; see the repository's `Cargo.toml`.
const PROFILE: &str = "tool";

fn main() -> ExitCode {
    match start() {
        Ok(code) => code,
        Err(error) => {
            eprintln!(
                "error: cannot start xtask: {error}\n  fix: cargo run --package xtask -- <command>"
            );
            ExitCode::FAILURE
        }
    }
}

fn start() -> io::Result<ExitCode> {
    let root = &repository()?;
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |folder| root.join(folder));
    let program = target.join(PROFILE).join("xtask");
    let stamp = program.with_file_name("xtask-sources");
    let sources = digest_of(root)?;
    if !is_current(&program, &stamp, sources) {
        eprintln!("compiling xtask (once after each change of its sources)");
        let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "build",
                "--quiet",
                "--package",
                "xtask",
                "--profile",
                PROFILE,
            ])
            .current_dir(root)
            .status()?;
        if !built.success() {
            return Ok(ExitCode::from(101));
        }
        // Sources that changed meanwhile are built next time: the stamp says what they were before.
        fs::write(&stamp, stamp_of(&program, sources)?)?;
    }
    // `cargo run` describes this package to its child; the program must not take it for a description of itself.
    let mut command = Command::new(&program);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || text.starts_with("CARGO_BIN_")
        {
            command.env_remove(&name);
        }
    }
    Err(command.args(env::args_os().skip(1)).exec())
}

/// The repository whose launcher cargo was asked to run. What was compiled into this program may be the folder of another checkout: cargo
/// takes a launcher whose checkout was copied or moved for up to date.
fn repository() -> io::Result<PathBuf> {
    let launcher = env::var_os("CARGO_MANIFEST_DIR")
        .ok_or_else(|| io::Error::other("it is started by `cargo xtask`, not by itself"))?;
    Path::new(&launcher)
        .ancestors()
        .nth(2)
        .map(Path::to_owned)
        .ok_or_else(|| io::Error::other("the launcher is not in xtask/launcher"))
}

fn is_current(program: &Path, stamp: &Path, sources: u64) -> bool {
    let now = stamp_of(program, sources).ok();
    now.is_some() && fs::read_to_string(stamp).ok() == now
}

/// The sources and the very file that was built from them: another build may have replaced it.
fn stamp_of(program: &Path, sources: u64) -> io::Result<String> {
    let meta = fs::metadata(program)?;
    Ok(format!(
        "{sources:016x} {} {} {}.{}\n",
        meta.ino(),
        meta.size(),
        meta.mtime(),
        meta.mtime_nsec()
    ))
}

/// A digest of names and contents of all sources, and of what chooses the compiler.
fn digest_of(root: &Path) -> io::Result<u64> {
    let mut sum = DefaultHasher::new();
    for name in CHOICES {
        env::var_os(name).hash(&mut sum);
    }
    for source in SOURCES {
        add(&root.join(source), &mut sum)?;
    }
    Ok(sum.finish())
}

fn add(path: &Path, sum: &mut DefaultHasher) -> io::Result<()> {
    path.hash(sum);
    if path.is_dir() {
        let mut entries: Vec<PathBuf> = fs::read_dir(path)?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()?;
        entries.sort();
        return entries.iter().try_for_each(|entry| add(entry, sum));
    }
    match fs::read(path) {
        Ok(content) => content.hash(sum),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0u8.hash(sum),
        Err(error) => {
            return Err(io::Error::new(
                error.kind(),
                format!("{}: {error}", path.display()),
            ))
        }
    }
    Ok(())
}
