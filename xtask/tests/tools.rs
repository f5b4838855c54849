//! Installing pinned tools: checksums, two at once, and what is said when something is missing.

mod common;

use std::fs;

use common::{pack, Fixture, Guard, Ran};

/// Names in the folder of tools, lock files left out.
fn installed(fixture: &Fixture) -> Vec<String> {
    let Ok(entries) = fs::read_dir(fixture.root.join(".xtask/tools")) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.ends_with(".lock")).collect();
    names.sort();
    names
}

#[test]
fn other_bytes_than_the_pinned_ones_are_refused_and_nothing_is_left() {
    let fixture = Fixture::new();
    fixture.write_tools(&"0".repeat(64));
    let ran = fixture.run(&["setup"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out
            .contains("checksum mismatch for uv 1.0: uv-1.0.tgz has sha256 "),
        "{ran:?}"
    );
    assert!(
        ran.out.contains(&format!(
            "but xtask/tools.toml pins {}; nothing was installed",
            "0".repeat(64)
        )),
        "{ran:?}"
    );
    assert!(ran.out.contains("   fix: fetch again"), "{ran:?}");
    assert_eq!(installed(&fixture), [""; 0]);
}

#[test]
fn two_at_once_install_once() {
    let fixture = Fixture::new();
    // The client waits until the other xtask had every chance to start it a second time.
    let package = fixture.shims.join("package.tgz");
    let started = fixture.shims.join("started");
    fixture.shim(
        "npm",
        &format!(
            "touch {0}\nwhile [ ! -e {0}.go ]; do sleep 0.01; done\ncp {1} ./uv-1.0.tgz",
            started.display(),
            package.display()
        ),
    );
    let run = || Guard(fixture.xtask(&["setup", "--quiet"]).spawn().unwrap());
    let mut first = run();
    common::wait_until("the first xtask fetches", || started.exists());
    let mut second = run();
    let second_pid = second.0.id();
    // It is waiting for the lock when it has opened the file.
    common::wait_until("the second xtask waits for the lock", || {
        holds_open(second_pid, ".uv.lock")
    });
    fs::write(fixture.shims.join("started.go"), "").unwrap();
    assert!(first.0.wait().unwrap().success());
    assert!(second.0.wait().unwrap().success());
    let fetched = fixture
        .calls()
        .iter()
        .filter(|call| call.starts_with("npm pack"))
        .count();
    assert_eq!(fetched, 1, "{:?}", fixture.calls());
    assert_eq!(installed(&fixture), ["uv-1.0"]);
}

fn holds_open(pid: u32, suffix: &str) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    files.flatten().any(|file| {
        fs::read_link(file.path()).is_ok_and(|target| target.to_string_lossy().ends_with(suffix))
    })
}

#[test]
fn a_damaged_tool_is_installed_anew() {
    let fixture = Fixture::new();
    assert_eq!(fixture.run(&["setup"]).code, Some(0));
    fs::remove_file(fixture.root.join(".xtask/tools/uv-1.0/bin/uv")).unwrap();
    assert_eq!(fixture.run(&["setup", "--check"]).code, Some(1));
    assert_eq!(fixture.run(&["setup"]).code, Some(0));
    assert_eq!(fixture.run(&["setup", "--check"]).code, Some(0));
}

#[test]
fn links_of_a_package_are_made_inside_its_folder() {
    let fixture = Fixture::new();
    let links = br#"[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"},
                     {"source":"native/lib/libpq.so.5.18","target":"../../../../outside"}]"#;
    let sum = pack(
        &fixture.shims.join("package.tgz"),
        &[
            ("package/native/bin/uv", b"#!/bin/sh\n"),
            ("package/native/lib/libpq.so.5.18", b"library"),
            ("package/native/links.json", links),
        ],
    );
    fixture.write_tools(&sum);
    let table = fs::read_to_string(fixture.root.join("xtask/tools.toml")).unwrap();
    fixture.write(
        "xtask/tools.toml",
        &table.replace(
            "about = \"makes",
            "subfolder = \"native\"\nlinks = \"links.json\"\nabout = \"makes",
        ),
    );
    let ran = fixture.run(&["setup"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let tool = fixture.root.join(".xtask/tools/uv-1.0");
    assert_eq!(
        fs::read_link(tool.join("lib/libpq.so.5")).unwrap().to_str(),
        Some("libpq.so.5.18")
    );
    assert_eq!(fs::read(tool.join("lib/libpq.so.5")).unwrap(), b"library");
    assert!(!fixture.root.join("outside").exists() && !fixture.root.join("../outside").exists());
}

#[test]
fn a_client_that_fails_is_named_with_its_log() {
    let fixture = Fixture::new();
    fixture.shim("npm", "echo 'npm error network'; exit 7");
    let ran = fixture.run(&["test", "--unit", "greeter"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("npm error network"), "{ran:?}");
    assert!(
        ran.out.contains("failed: cannot install uv 1.0: `npm pack --silent --ignore-scripts uv@1.0` failed with exit code 7"),
        "{ran:?}"
    );
    assert!(
        ran.out.contains(
            " skip python/greeter:pytest  because python/greeter:prepare did not succeed"
        ),
        "{ran:?}"
    );
    assert_eq!(installed(&fixture), [""; 0]);
}

#[test]
fn check_names_what_is_missing_and_the_fix_and_installs_nothing() {
    let fixture = Fixture::new();
    let before = fixture.tree();
    let path = fixture.shims.display().to_string();
    fs::remove_file(fixture.shims.join("npm")).unwrap();
    let ran = Ran::from(
        fixture
            .xtask_with_path(&["setup", "--check"], &path)
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.err,
        "error: missing: npm (wanted 7 or newer, found nothing), uv 1.0\n  fix: apt-get install npm; then cargo xtask setup\n"
    );
    assert_eq!(fixture.tree(), before);
}

#[test]
fn doctor_lists_wanted_found_and_origin() {
    let fixture = Fixture::new();
    let ran = fixture.run(&["doctor"]);
    assert_eq!(ran.code, Some(0));
    insta::assert_snapshot!(ran.out);
    let records = fixture.run(&["doctor", "--json"]).records();
    assert_eq!(records[0]["tool"], "npm");
    assert_eq!(records[1]["fix"], "cargo xtask setup");
}

#[test]
fn cargo_finds_protoc_where_the_table_installs_it() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap();
    let tools = xtask::tools::Tools::load(root).unwrap();
    let config = fs::read_to_string(root.join(".cargo/config.toml")).unwrap();
    let config: toml::Table = config.parse().unwrap();
    let protoc = tools.get("protoc").unwrap();
    let wanted = format!("{}/{}", protoc.folder_name(), protoc.binary.display());
    assert_eq!(
        config["env"]["PROTOC"]["value"].as_str(),
        Some(wanted.as_str())
    );
}
