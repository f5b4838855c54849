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
        "error: missing: npm 7 or newer (not found), uv 1.0\n  fix: apt-get install npm; then cargo xtask setup\n"
    );
    assert_eq!(fixture.tree(), before);
}

#[test]
fn doctor_lists_wanted_found_and_origin() {
    let fixture = Fixture::new();
    let ran = fixture.run(&["doctor"]);
    assert_eq!(ran.code, Some(1), "a required tool is missing");
    assert_eq!(ran.err, "error: missing: uv\n  fix: cargo xtask setup\n");
    insta::assert_snapshot!(ran.out);
    let records = fixture.run(&["doctor", "--json"]).records();
    assert_eq!(records[0]["tool"], "npm");
    assert_eq!(records[1]["fix"], "cargo xtask setup");
    assert_eq!(records[1]["required"], true);
    assert_eq!(records[2]["exit_code"], 1);
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

/// A table with one tool that is compiled from a crate, that crate in cargo's cache, and a cargo that notes its manifest and "compiles".
fn with_a_tool_to_compile(sum: Option<&str>) -> Fixture {
    let fixture = Fixture::new();
    let cache = fixture.shims.join("home/registry/cache/mirror");
    fs::create_dir_all(&cache).unwrap();
    let real = pack(
        &cache.join("maker-1.0.crate"),
        &[("maker-1.0/Cargo.toml", b"")],
    );
    let table = fs::read_to_string(fixture.root.join("xtask/tools.toml")).unwrap();
    fixture.write(
        "xtask/tools.toml",
        &format!(
            "{table}\n[tool.maker]\nversion = \"1.0\"\nregistry = \"crates\"\nbinary = \"bin/maker\"\nlanguages = [\"rust\"]\n\
             about = \"makes\"\non_demand = true\n\n[tool.maker.build]\npackage = \"maker\"\nsha256 = [\"{}\"]\n\
             lock = \"maker.lock\"\nfeatures_of = \"rust/features\"\nneeds = [\"uv\"]\nbeside = {{ carried = {{ version = \"9\", features = [\"vendored\"] }} }}\n",
            sum.unwrap_or(&real)
        ),
    );
    fixture.write("Cargo.lock", &package("ours", "2.0"));
    fixture.write("maker.lock", &package("maker", "1.0"));
    let noted = fixture.shims.join("noted").display().to_string();
    fixture.shim(
        "cargo",
        &format!(
            "cat Cargo.toml Cargo.lock >> {noted}\nif [ \"$1\" = build ]; then mkdir -p $4/debug; echo '#!/bin/sh' > $4/debug/maker; fi"
        ),
    );
    fixture
}

fn package(name: &str, version: &str) -> String {
    format!("[[package]]\nname = {name:?}\nversion = {version:?}\nsource = \"registry\"\n")
}

fn setup_rust(fixture: &Fixture) -> Ran {
    let mut command = fixture.xtask(&["setup", "rust"]);
    command.env("CARGO_HOME", fixture.shims.join("home"));
    Ran::from(command.output().unwrap())
}

#[test]
fn a_version_that_cargo_chose_itself_is_refused() {
    let fixture = with_a_tool_to_compile(None);
    let chosen = package("stranger", "3.0");
    fixture.shim("cargo", &format!("printf '%s' '{chosen}' >> Cargo.lock"));
    let ran = setup_rust(&fixture);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out
            .contains("cargo chose versions that no lock file has: stranger 3.0"),
        "{ran:?}"
    );
    assert_eq!(installed(&fixture), ["uv-1.0"]);
}

#[test]
fn a_crate_is_compiled_from_its_lock_with_the_features_beside_it() {
    let fixture = with_a_tool_to_compile(None);
    let ran = setup_rust(&fixture);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        installed(&fixture),
        ["maker-1.0", "uv-1.0"],
        "and what compiling takes comes first"
    );
    let calls = fixture.calls().join("\n");
    let (fetch, build) = (
        calls.find("cargo fetch").unwrap(),
        calls.find("cargo build --locked").unwrap(),
    );
    assert!(
        calls.find("npm pack").unwrap() < fetch && fetch < build,
        "{calls}"
    );
    let noted = fs::read_to_string(fixture.shims.join("noted")).unwrap();
    for wanted in [
        "\nmaker = \"=1.0\"\n",
        "\nfeatures = { path = \"",
        "/rust/features\" }\ncarried = { version = \"9\", features = [\"vendored\"] }\n",
        "name = \"maker\"\nversion = \"1.0\"",
        "name = \"ours\"\nversion = \"2.0\"",
    ] {
        assert!(noted.contains(wanted), "{noted}");
    }
    let again = setup_rust(&fixture);
    assert!(
        again.out.contains("every required tool is installed"),
        "{again:?}"
    );
}

#[test]
fn a_crate_with_other_bytes_is_not_compiled() {
    let fixture = with_a_tool_to_compile(Some(&"0".repeat(64)));
    let ran = setup_rust(&fixture);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("checksum mismatch for maker 1.0"),
        "{ran:?}"
    );
    assert!(!fixture
        .calls()
        .iter()
        .any(|call| call.starts_with("cargo build")));
    assert_eq!(installed(&fixture), ["uv-1.0"]);
}

#[test]
fn what_takes_minutes_is_installed_only_when_it_is_asked_for() {
    let fixture = with_a_tool_to_compile(None);
    assert_eq!(fixture.run(&["setup"]).code, Some(0));
    assert_eq!(installed(&fixture), ["uv-1.0"]);
    assert_eq!(fixture.run(&["setup", "--check"]).code, Some(0));
    let doctor = fixture.run(&["doctor"]);
    assert!(
        doctor
            .out
            .contains("makes; fetched when a command needs it"),
        "{doctor:?}"
    );
}

/// A row for a tool that no machine has.
fn without_greeter(fixture: &Fixture, more: &str) {
    let table = fs::read_to_string(fixture.root.join("xtask/tools.toml")).unwrap();
    let row = "\n[host.greeter]\ncommand = [\"no-such-program\", \"--version\"]\nminimum = \"1\"\nlanguages = [\"python\"]\n\
               about = \"greets\"\nfix = \"install greeter\"\n";
    fixture.write("xtask/tools.toml", &format!("{table}{row}{more}"));
}

#[test]
fn a_language_without_its_tools_is_skipped_and_said_so_at_the_end_unless_it_was_asked_for() {
    let fixture = Fixture::new();
    without_greeter(&fixture, "optional = true\n");
    let all = fixture.run(&["test"]);
    assert_eq!(all.code, Some(0), "{all:?}");
    assert_eq!(
        all.err,
        "warning: skipped python/greeter, examples/demo/app: greeter is not installed; fix: install greeter\n"
    );
    assert!(
        all.out.contains("rust/adder:cargo-test") && !all.out.contains("pytest"),
        "{all:?}"
    );
    let json = fixture.run(&["test", "--json"]).records();
    assert_eq!(json.last().unwrap()["event"], "warning", "it comes last");
    let asked = fixture.run(&["test", "--lang", "python"]);
    assert_eq!(asked.code, Some(1), "{asked:?}");
    assert_eq!(
        asked.err,
        "error: greeter 1 or newer is required (greets); not found\n  fix: install greeter\n"
    );
}

#[test]
fn setup_fetches_everything_else_when_an_optional_tool_is_missing() {
    let fixture = Fixture::new();
    without_greeter(&fixture, "optional = true\n");
    let optional = "optional: greeter 1 or newer: greets; install with: install greeter\n";
    let dry = fixture.run(&["setup", "--dry-run"]);
    assert!(
        dry.code == Some(0) && dry.out.contains("tools:uv") && dry.out.ends_with(optional),
        "{dry:?}"
    );
    assert_eq!(installed(&fixture), [""; 0]);
    let check = fixture.run(&["setup", "--check"]);
    assert_eq!(
        check.err,
        "error: missing: uv 1.0\n  fix: cargo xtask setup\n"
    );
    let ran = fixture.run(&["setup"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out.matches(optional).count(), 1, "{ran:?}");
    assert_eq!(installed(&fixture), ["uv-1.0"]);
    let check = fixture.run(&["setup", "--check"]);
    assert_eq!(check.code, Some(0), "{check:?}");
    let doctor = fixture.run(&["doctor"]);
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    assert!(
        doctor
            .out
            .contains("missing, but optional:\n  greeter: install greeter\n")
            && doctor.out.ends_with("every required tool is installed\n"),
        "{doctor:?}"
    );
}

#[test]
fn setup_of_a_language_by_name_fails_without_its_tool_after_fetching_the_rest() {
    let missing = "error: missing: greeter 1 or newer (not found)\n  fix: install greeter\n";
    for (args, more) in [
        (["setup", "python"].as_slice(), "optional = true\n"),
        (&["setup"], ""),
    ] {
        let fixture = Fixture::new();
        without_greeter(&fixture, more);
        let dry = fixture.run(&[args, &["--dry-run"]].concat());
        assert_eq!((dry.code, dry.err.as_str()), (Some(1), missing), "{dry:?}");
        assert_eq!(installed(&fixture), [""; 0]);
        let ran = fixture.run(args);
        assert_eq!((ran.code, ran.err.as_str()), (Some(1), missing), "{ran:?}");
        assert_eq!(installed(&fixture), ["uv-1.0"]);
    }
}

#[test]
fn what_comes_with_a_missing_tool_is_not_told_separately() {
    let fixture = Fixture::new();
    without_greeter(
        &fixture,
        "optional = true\n\n[host.bow]\ncommand = [\"no-bow\"]\nminimum = \"1\"\nlanguages = [\"python\"]\nabout = \"bows\"\n\
         fix = \"install bow\"\noptional = true\ncomes_with = \"greeter\"\n",
    );
    let setup = fixture.run(&["setup"]);
    assert_eq!(setup.out.matches("optional: ").count(), 1, "{setup:?}");
    let doctor = fixture.run(&["doctor"]);
    assert!(
        doctor.out.contains("  bow, greeter: install greeter\n"),
        "{doctor:?}"
    );
    let test = fixture.run(&["test"]);
    assert!(test.err.contains("greeter is not installed"), "{test:?}");
}

#[test]
fn one_tool_is_installed_by_its_name() {
    let fixture = with_a_tool_to_compile(None);
    let ran = fixture.run(&["setup", "uv"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(installed(&fixture), ["uv-1.0"]);
}

/// Programs that commands start by name; a tool that is not in the table is one that `doctor` does not know.
#[test]
fn doctor_knows_every_program_that_a_command_needs() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap();
    let tools = xtask::tools::Tools::load(root).unwrap();
    for program in [
        "bundle",
        "cargo",
        "chromedriver",
        "chromium",
        "curl",
        "gh",
        "git",
        "node",
        "npm",
        "python3",
        "rspec",
        "rubocop",
        "ruby",
        "rustc",
    ] {
        let known = tools
            .host_for(&[])
            .into_iter()
            .any(|tool| tool.command[0] == program);
        assert!(known, "{program}");
    }
    for tool in tools.host_for(&[]) {
        let depth = tool
            .fix
            .matches('(')
            .count()
            .abs_diff(tool.fix.matches(')').count());
        assert!(
            depth == 0 && !tool.fix.contains("-t trixie"),
            "{}",
            tool.fix
        );
        let whole = tool.comes_with.as_ref();
        assert!(whole.is_none_or(|name| tools.host(name).is_some()));
    }
}
