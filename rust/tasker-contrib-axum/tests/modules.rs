//! The source files of this crate use each other in one direction only.

#[path = "../../../ops/dev-server/tests/module_graph/mod.rs"]
mod module_graph;

#[test]
fn files_use_only_files_below_them() {
    let src = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    assert_eq!(module_graph::cycle(src.as_ref()), None);
}
