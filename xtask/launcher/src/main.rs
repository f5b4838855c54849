//! What `cargo xtask` starts: the built xtask if it was built from the sources as they are now, else cargo first.
//!
//! `cargo run --package xtask` makes cargo read the manifests and the lock file of the whole repository, hundreds of packages, each time.
//! This package has no dependency and a lock file of one entry, so cargo is done with it in milliseconds; what it then has to find
//! out is whether some hundred files are the same, by reading them.
//!
//! Optimising xtask takes ten times as long as compiling it, so a person waits for a program that is not optimised. That one starts this
//! launcher again, beside a command that takes minutes anyway, to have the optimised program for the next command.

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
/// Set to this launcher's path for a program that is not optimised.
const LAUNCHER: &str = "XTASK_LAUNCHER";
/// Set by that program when it wants the optimised one built, and nothing else.
const BUILD: &str = "XTASK_BUILD";

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
    let sources = digest_of(root)?;
    // With the crates of all other packages, so that whatever is compiled for it is compiled once.
    let quick = Build {
        program: target.join("debug/xtask"),
        options: &["--package", "xtask", "--package", "workspace-hack"],
        sources,
    };
    let optimised = Build {
        program: target.join("tool/xtask"),
        options: &["--package", "xtask", "--profile", "tool"],
        sources,
    };
    if env::var_os(BUILD).is_some() {
        return optimised.build(root);
    }
    if optimised.is_current() {
        return Err(command(&optimised.program).env_remove(LAUNCHER).exec());
    }
    if !quick.is_current() {
        eprintln!("compiling xtask (once after each change of its sources)");
        let built = quick.build(root)?;
        if built != ExitCode::SUCCESS {
            return Ok(built);
        }
    }
    Err(command(&quick.program)
        .env(LAUNCHER, env::current_exe()?)
        .exec())
}

/// A program, and how cargo builds it.
struct Build<'a> {
    program: PathBuf,
    options: &'a [&'a str],
    /// A digest of what it is made from.
    sources: u64,
}

impl Build<'_> {
    fn build(&self, root: &Path) -> io::Result<ExitCode> {
        let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--locked", "--bin", "xtask"])
            .args(self.options)
            .current_dir(root)
            .status()?;
        if !built.success() {
            return Ok(ExitCode::from(101));
        }
        // Sources that changed meanwhile are built next time: the stamp says what they were before.
        fs::write(self.stamp(), self.expected()?)?;
        Ok(ExitCode::SUCCESS)
    }

    fn is_current(&self) -> bool {
        let now = self.expected().ok();
        now.is_some() && fs::read_to_string(self.stamp()).ok() == now
    }

    fn stamp(&self) -> PathBuf {
        self.program.with_file_name("xtask-sources")
    }

    /// The sources and the very file that was built from them: another build may have replaced it.
    fn expected(&self) -> io::Result<String> {
        let meta = fs::metadata(&self.program)?;
        Ok(format!(
            "{:016x} {} {} {}.{}\n",
            self.sources,
            meta.ino(),
            meta.size(),
            meta.mtime(),
            meta.mtime_nsec()
        ))
    }
}

/// The program with our arguments. `cargo run` describes this package to its child; the program must not take it for a description of
/// itself.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || text.starts_with("CARGO_BIN_")
        {
            command.env_remove(&name);
        }
    }
    command.args(env::args_os().skip(1));
    command
}

/// The repository whose launcher cargo was asked to run. What was compiled into this program may be the folder of another checkout: cargo
/// takes a launcher whose checkout was copied or moved for up to date.
fn repository() -> io::Result<PathBuf> {
    let told = env::var_os("CARGO_MANIFEST_DIR").or_else(|| env::var_os("XTASK_ROOT"));
    let told =
        told.ok_or_else(|| io::Error::other("it is started by `cargo xtask`, not by itself"))?;
    let mut folders = Path::new(&told).ancestors();
    folders
        .find(|folder| folder.join("xtask/tools.toml").is_file())
        .map(Path::to_owned)
        .ok_or_else(|| {
            io::Error::other(format!(
                "{} is not in a repository with xtask",
                told.display()
            ))
        })
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
