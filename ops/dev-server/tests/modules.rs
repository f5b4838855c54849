//! The source files of this crate use each other in one direction only.

#[path = "../../../xtask/tests/layers/modules.rs"]
mod modules;

#[test]
fn files_use_only_files_below_them() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let cycles = modules::Modules::read(source.as_ref()).cycles();
    assert!(cycles.is_empty(), "{cycles:#?}");
}
