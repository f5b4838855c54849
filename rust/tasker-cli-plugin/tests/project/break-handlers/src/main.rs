//! Breaks every generated handler and subscriber and requires that its tests notice.
//!
//! In a copy of the package each public function of such a module panics before it does anything. A
//! module whose tests still pass tests nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs, io};

const PANIC: &str = "    panic!(\"broken on purpose\");\n";

fn main() -> io::Result<ExitCode> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let project = project.ok_or_else(|| io::Error::other("no project"))?;
    let copy = project.with_extension("broken");
    let mut broken = BTreeSet::new();
    copy_broken(project, &copy, "", &mut broken)?;
    // Another name, so that both packages keep what cargo has compiled of them. Applications are
    // copied, too: without them cargo would compile dependencies with other features.
    let manifest = fs::read_to_string(project.join("Cargo.toml"))?
        .replace("name = \"generated\"", "name = \"broken\"");
    fs::write(copy.join("Cargo.toml"), manifest)?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut tests = Command::new(cargo);
    // `cargo run` describes this package to it. Build scripts of dependencies (ring's) read the same
    // variables, and with other values than before everything above them would be compiled again.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            tests.env_remove(&name);
        }
    }
    let tests = tests
        .args([
            "test",
            "--offline",
            "--workspace",
            "--lib",
            "--no-fail-fast",
        ])
        .current_dir(&copy)
        .stderr(Stdio::inherit())
        .output()?;
    fs::remove_dir_all(&copy)?;
    let text = String::from_utf8_lossy(&tests.stdout);
    let failed: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        .filter_map(|test| test.split_once("::tests::"))
        .map(|(module, _)| module)
        .collect();
    let unaware: Vec<_> = broken
        .iter()
        .filter(|module| !failed.contains(module.as_str()))
        .collect();
    for module in &unaware {
        println!("the tests of {module} pass although its functions are broken");
    }
    println!(
        "{} broken modules, {} unnoticed",
        broken.len(),
        unaware.len()
    );
    if broken.is_empty() || !unaware.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Copies a folder; public functions of the modules below `src/handlers` and `src/subscribers` panic.
fn copy_broken(
    from: &Path,
    into: &Path,
    place: &str,
    broken: &mut BTreeSet<String>,
) -> io::Result<()> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(from)? {
        let path: PathBuf = entry?.path();
        let name = path.file_name().unwrap_or_default();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let place = format!("{place}::{stem}");
        if path.is_dir() {
            copy_broken(&path, &into.join(name), &place, broken)?;
            continue;
        }
        let mut text = fs::read_to_string(&path)?;
        let module = place.strip_prefix("::src::").filter(|_| stem != "mod");
        let changed = break_all(&text);
        if let Some(module) = module.filter(|_| changed != text) {
            broken.insert(module.to_owned());
            text = changed;
        }
        fs::write(into.join(name), text)?;
    }
    Ok(())
}

/// The module with a panic at the beginning of each of its public async functions.
fn break_all(text: &str) -> String {
    let mut changed = String::new();
    let mut is_head = false;
    for line in text.lines() {
        is_head |= line.starts_with("pub async fn ");
        changed.push_str(line);
        changed.push('\n');
        if is_head && line.ends_with('{') {
            changed.push_str(PANIC);
            is_head = false;
        }
    }
    changed
}
