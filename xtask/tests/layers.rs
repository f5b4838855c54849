//! The layers of `docs/architecture/xtask.md`: a file uses files of lower layers and, in its own layer, no file that uses it.

#[path = "layers/modules.rs"]
mod modules;

use std::path::{Path, PathBuf};

use modules::Modules;

/// From the top down. What stands on one line may not use each other, unless it is one module.
const LAYERS: [&[&str]; 15] = [
    &["lib"],
    &["cli"],
    &["commands"],
    &["report"],
    &["e2e", "release", "prove", "contract"],
    &["cache"],
    &["run"],
    &["lang"],
    &["publish", "apply"],
    &["version"],
    &["tasker_core", "repo", "plugin", "tables"],
    &["plan"],
    &["unit", "tools"],
    &["git", "process"],
    &[
        "archive",
        "error",
        "file",
        "layout",
        "order",
        "clock",
        "environment",
        "interrupt",
        "http",
    ],
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn layer(path: &[String]) -> usize {
    let name = path.first().map_or("lib", String::as_str);
    let found = LAYERS.iter().position(|layer| layer.contains(&name));
    found.unwrap_or_else(|| {
        panic!("`{name}` is in no layer: add it to LAYERS and to docs/architecture/xtask.md")
    })
}

#[test]
fn a_module_uses_only_lower_layers() {
    let modules = Modules::read(&repository().join("xtask/src"));
    let mut wrong = Vec::new();
    for (path, used) in modules.uses() {
        for used in used {
            let is_own = path.first() == used.first();
            // The lowest layer is one.
            let is_lowest = layer(path) == LAYERS.len() - 1;
            if !is_own && layer(used) <= layer(path) && !(is_lowest && layer(used) == layer(path)) {
                wrong.push(format!(
                    "{} uses {}",
                    modules.file(path),
                    modules.file(used)
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "these lines lead up or sideways:\n{}",
        wrong.join("\n")
    );
}

/// To check another crate, add a test that calls this with its folder of sources, relative to the repository.
fn assert_no_cycles(source: &str) {
    let cycles = Modules::read(&repository().join(source)).cycles();
    let lines: Vec<String> = cycles.iter().map(|files| files.join(", ")).collect();
    assert!(
        lines.is_empty(),
        "{source}: files that use each other in a cycle:\n{}",
        lines.join("\n")
    );
}

#[test]
fn the_files_of_xtask_form_no_cycle() {
    assert_no_cycles("xtask/src");
}

#[test]
fn the_files_of_the_benchmarks_form_no_cycle() {
    assert_no_cycles("xtask/bench/src");
}
