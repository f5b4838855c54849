//! Releases of a small repository to real registries on loopback, disturbed at every point at which they can be.
//!
//! Slow (minutes) and in need of a few packages, so it runs only when asked for: `cargo test --package xtask --test release_proof -- --ignored`.

mod release;

use release::provision;
use release::registries::Registries;
use release::world::{World, TAGS};

fn world(folder: &std::path::Path) -> World {
    let registries = Registries::start(folder, provision::programs());
    World::new(folder, registries)
}

#[test]
#[ignore = "needs minutes and registries"]
fn an_undisturbed_release() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path());
    let before = world.outcome();
    let started = std::time::Instant::now();
    let dry = world.run(&["release", "--dry-run"], &[]);
    println!("{}\n{} {:?}", dry.out, dry.err, started.elapsed());
    assert_eq!(before, world.outcome());
    let started = std::time::Instant::now();
    let ran = world.run(&["release"], &[]);
    println!("{}\n{} {:?}", ran.out, ran.err, started.elapsed());
    assert_eq!(ran.code, Some(0));
    for (name, sum) in world.outcome() {
        println!("{name} {sum}");
    }
    let started = std::time::Instant::now();
    let ran = world.run(&["release"], &[]);
    println!("{}\n{} {:?}", ran.out, ran.err, started.elapsed());
    let _ = TAGS;
}
