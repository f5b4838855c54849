//! `template new`: a project by the ecosystem's own generator, with packages that were built here.

mod common;

use std::fs;

use common::{Fixture, Ran};

const TABLE: &str = r#"
[demo]
template = "examples/demo/app"
run = ["generate", "{root}/examples/demo/app", "{path}", "{name}"]
packages = { units = ["python/greeter"], files = "whl", into = "wheels" }
"#;

/// A repository with one starter, whose generator makes the folder that it is told to make, and refuses the name `2late`.
fn repository() -> Fixture {
    let fixture = Fixture::new();
    fixture.write("xtask/starters.toml", TABLE);
    fixture.shim(
        "generate",
        "[ \"$3\" != 2late ] || { echo '2late is not a name for a project'; exit 1; }\nmkdir -p \"$2\" && echo \"$3\" > \"$2/README.md\"",
    );
    fixture
}

fn new(fixture: &Fixture, framework: &str, path: &str) -> Ran {
    fixture.run(&["template", "new", framework, path])
}

#[test]
fn a_project_has_what_its_generator_makes_and_the_packages_that_it_installs() {
    let fixture = repository();
    let ran = new(&fixture, "demo", "../desk");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let project = fixture.root.with_file_name("desk");
    let made = fs::read_to_string(project.join("README.md")).unwrap();
    assert_eq!(made.trim(), "desk");
    let wheels = fs::read_dir(project.join("wheels")).unwrap();
    let names: Vec<_> = wheels.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["greeter-1.0-py3-none-any.whl"], "and no sdist");
    assert!(ran.out.contains("desk is in ../desk"), "{}", ran.out);
}

#[test]
fn what_cannot_be_made_is_refused_in_one_sentence_and_nothing_is_written() {
    let fixture = repository();
    fs::create_dir(fixture.root.with_file_name("taken")).unwrap();
    fs::write(fixture.root.with_file_name("taken").join("file"), "mine").unwrap();
    for (framework, path, why) in [
        ("dem", "../desk", "did you mean `demo`?"),
        ("demo", "../taken", "../taken: exists"),
        ("demo", "desk", "is in this repository"),
        ("demo", "../nowhere/desk", "cannot find"),
        ("demo", "..", "is not a name for a project"),
        ("demo", "../2late", "2late is not a name for a project"),
    ] {
        let ran = new(&fixture, framework, path);
        assert_ne!(ran.code, Some(0), "{path}: {ran:?}");
        assert!(ran.err.contains(why), "{path}: {ran:?}");
    }
    assert!(!fixture.root.with_file_name("desk").exists());
    assert!(!fixture.root.join("desk").exists());
    let calls = fixture.calls();
    let made = calls
        .iter()
        .filter(|call| call.starts_with("generate"))
        .count();
    assert_eq!(
        made, 1,
        "only a name is the generator's business: {calls:?}"
    );
}

/// Its language's tools are enough to make a project of it.
#[test]
fn a_template_is_not_compiled() {
    let fixture = repository();
    let crate_starter = "\n[crate]\ntemplate = \"rust/adder\"\nrun = [\"generate\", \"{root}\", \"{path}\", \"{name}\"]\n";
    fixture.write("xtask/starters.toml", &[TABLE, crate_starter].concat());
    let tools = fs::read_to_string(fixture.root.join("xtask/tools.toml")).unwrap();
    let protoc = format!(
        "\n[tool.protoc]\nversion = \"1.0\"\nregistry = \"npm\"\nbinary = \"bin/protoc\"\nlanguages = [\"rust\"]\nabout = \"reads protobuf\"\n\n\
         [tool.protoc.platforms]\n{} = {{ package = \"protoc\", sha256 = [\"{}\"] }}\n",
        xtask::tools::platform(),
        "0".repeat(64)
    );
    fixture.write("xtask/tools.toml", &[tools, protoc].concat());
    fixture.write(".xtask/tools/protoc-1.0/bin/protoc", "");
    fixture.shim("cargo", "exit 1");
    let ran = new(&fixture, "crate", "../desk");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(fixture.root.with_file_name("desk/README.md").exists());
    let calls = fixture.calls();
    assert!(
        !calls.iter().any(|call| call.starts_with("cargo")),
        "{calls:?}"
    );
}

#[test]
fn every_starter_of_this_repository_names_units_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap();
    let text = fs::read_to_string(root.join("xtask/starters.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    for (name, starter) in &table {
        let of = |value: Option<&toml::Value>| -> Vec<String> {
            let list = value.and_then(toml::Value::as_array);
            let words = list.into_iter().flatten().filter_map(toml::Value::as_str);
            words.map(str::to_owned).collect()
        };
        let mut folders = of(starter.get("build"));
        folders.extend(of(starter
            .get("packages")
            .and_then(|them| them.get("units"))));
        folders.push(starter["template"].as_str().unwrap().to_owned());
        for folder in folders {
            assert!(root.join(&folder).is_dir(), "{name}: {folder}");
        }
        for word in of(starter.get("run")) {
            // The bundle of create-tasker-bun is built first.
            let file = word
                .strip_prefix("{root}/")
                .filter(|file| !file.contains("/dist/"));
            assert!(
                file.is_none_or(|file| root.join(file).exists()),
                "{name}: {word}"
            );
        }
    }
}
