//! The source files of this crate use each other in one direction only.

mod module_graph;

use std::fs;
use std::path::Path;

use module_graph::cycle;

#[test]
fn files_use_only_files_below_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    assert_eq!(cycle(&src), None);
}

/// A crate of these files.
fn found(files: &[(&str, &str)]) -> Option<String> {
    let src = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = src.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    cycle(src.path())
}

#[test]
fn a_cycle_is_found_through_uses_paths_and_re_exports() {
    let root = "mod a; mod b; mod c; pub use c::C;";
    let a = ("a.rs", "use crate::{b::B, C}; pub struct A;");
    let b = ("b.rs", "pub struct B; fn f() -> super::C { todo!() }");
    let c = ("c.rs", "pub struct C; fn f() { crate::a::g(); }");
    let files = [("lib.rs", root), a, b, c];
    assert_eq!(found(&files).as_deref(), Some("a.rs → b.rs → c.rs → a.rs"));
    let main = [
        ("main.rs", "mod a; use a::A; pub const ON: bool = true;"),
        ("a.rs", "use crate::ON;"),
    ];
    assert_eq!(found(&main).as_deref(), Some("main.rs → a.rs → main.rs"));
    let folder = [
        ("lib.rs", "mod d;"),
        ("d/mod.rs", "mod e; use e::E; pub struct D;"),
        ("d/e.rs", "use super::D;"),
    ];
    assert_eq!(
        found(&folder).as_deref(),
        Some("d/mod.rs → d/e.rs → d/mod.rs")
    );
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
    assert_eq!(found(&files), None);
}
