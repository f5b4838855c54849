//! The layers of `docs/architecture/xtask.md`: a file uses files of lower layers and, in its own layer, no file that uses it.

#[path = "layers/modules.rs"]
mod modules;

use std::path::{Path, PathBuf};

use modules::Modules;
use syn::visit::{self, Visit};

/// From the top down. What stands on one line may not use each other, unless it is one module.
const LAYERS: [&[&str]; 16] = [
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
    &["docker"],
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

/// The cycles of a crate of these files.
fn found(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let source = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = source.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Modules::read(source.path()).cycles()
}

#[test]
fn a_cycle_is_found_through_uses_paths_and_re_exports() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; pub use c::C;"),
        ("a.rs", "use crate::{b::B, C}; pub struct A;"),
        ("b.rs", "pub struct B; fn f() -> super::C { todo!() }"),
        ("c.rs", "pub struct C; fn f() { crate::a::g(); }"),
    ];
    assert_eq!(found(&files), [["a.rs", "b.rs", "c.rs"]]);
    let folder = [
        ("lib.rs", "mod d;"),
        ("d/mod.rs", "mod e; use e::E; pub struct D;"),
        ("d/e.rs", "use super::D;"),
    ];
    assert_eq!(found(&folder), [["d/mod.rs", "d/e.rs"]]);
}

#[test]
fn declarations_re_exports_and_tests_are_not_uses() {
    let files = [
        ("lib.rs", "mod a; mod d; pub use a::A; pub use d::E;"),
        (
            "a.rs",
            "use crate::E; #[cfg(test)] mod tests { use crate::d::F; }",
        ),
        (
            "d/mod.rs",
            "mod e; mod f; pub use e::E; pub(crate) use f::F;",
        ),
        ("d/e.rs", "pub struct E;"),
        ("d/f.rs", "use super::E; use crate::A; pub struct F;"),
    ];
    assert_eq!(found(&files), Vec::<Vec<String>>::new());
}

/// Arms of a `match` outside of `lang` that are names of ecosystems.
struct Arms<'a> {
    names: &'a [&'static str],
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for Arms<'_> {
    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let mut literals = Literals(Vec::new());
        literals.visit_pat(&arm.pat);
        let named = literals.0.into_iter();
        self.found
            .extend(named.filter(|name| self.names.contains(&name.as_str())));
        visit::visit_arm(self, arm);
    }
}

struct Literals(Vec<String>);

impl<'ast> Visit<'ast> for Literals {
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.0.push(text.value());
    }
}

#[test]
fn nothing_outside_of_lang_asks_which_ecosystem_it_is() {
    let kinds = xtask::lang::ecosystems()
        .into_iter()
        .map(|ecosystem| ecosystem.kind());
    let names: Vec<&str> = xtask::lang::languages()
        .map(|language| language.name())
        .chain(kinds)
        // A placeholder in commands of apps is called so, too.
        .filter(|name| *name != "example")
        .collect();
    let source = repository().join("xtask/src");
    let modules = Modules::read(&source);
    let files = modules.uses().into_keys().map(|path| modules.file(path));
    let mut wrong = Vec::new();
    for file in files.filter(|file| !file.starts_with("lang/")) {
        let text = std::fs::read_to_string(source.join(&file)).unwrap();
        let mut arms = Arms {
            names: &names,
            found: Vec::new(),
        };
        arms.visit_file(&syn::parse_file(&text).unwrap());
        wrong.extend(arms.found.iter().map(|name| format!("{file}: `{name}`")));
    }
    assert!(
        wrong.is_empty(),
        "what depends on an ecosystem belongs into its folder:\n{}",
        wrong.join("\n")
    );
}
