//! `template list --profile`: what profiles resolve to, and what is wrong with them.

mod common;

use common::{Fixture, Ran};

const GOOD: &str = "[published]\nurl = \"https://git.example/contrib.git\"\ngit-ref = \"v1\"\n\n\
                    [profiles.development]\nplugin-paths = [\".\", \"python/plugin\"]\n\n\
                    [profiles.ci]\nplugin-paths = [\"python\"]\nplugin-versions = { demo-plugin = \"0.1\" }\n\n\
                    [profiles.published]\nuse-published-plugins = true\nplugin-versions = { demo-plugin = \"=0.1.0\" }\n";

fn with(text: &str) -> Fixture {
    let fixture = Fixture::new();
    fixture.write(".config/tasker-cli.toml", text);
    // As deep as tasker-ctl looks: <folder>/tasker-cli-plugin.
    common::copy(
        &fixture.root.join("python/plugin"),
        &fixture.root.join("rust/tasker-cli-plugin"),
    );
    let manifest = fixture
        .root
        .join("rust/tasker-cli-plugin/tasker-plugin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("demo-plugin", "second-plugin")).unwrap();
    fixture
}

fn list(fixture: &Fixture, args: &[&str]) -> Ran {
    let mut command = fixture.xtask(&[&["template", "list", "--profile"], args].concat());
    command.env("XDG_CACHE_HOME", fixture.shims.join("cache"));
    Ran::from(command.output().unwrap())
}

fn plugins(ran: &Ran) -> Vec<String> {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let headings = ran
        .out
        .lines()
        .filter(|line| line.ends_with(')') && !line.starts_with(' '));
    headings.map(str::to_owned).collect()
}

#[test]
fn plugins_are_found_where_tasker_ctl_finds_them() {
    let fixture = with(GOOD);
    assert_eq!(
        plugins(&list(&fixture, &["development"])),
        [
            "second-plugin 0.1.0 (rust/tasker-cli-plugin)",
            "demo-plugin 0.1.0 (python/plugin)"
        ]
    );
    assert_eq!(
        plugins(&list(&fixture, &["ci"])),
        ["demo-plugin 0.1.0 (python/plugin)"]
    );
    let one = list(&fixture, &["development", "--plugin", "second-plugin"]);
    assert_eq!(plugins(&one).len(), 1);
}

#[test]
fn a_profile_becomes_a_configuration_of_tasker_ctl() {
    let fixture = with(GOOD);
    let root = fixture.root.display();
    assert_eq!(
        list(&fixture, &["development", "--config"]).out,
        format!("[cli]\nplugin-paths = [\"{root}\", \"{root}/python/plugin\"]\n")
    );
    assert_eq!(
        list(&fixture, &["published", "--config"]).out,
        "[cli]\nplugin-paths = []\n\n[[cli.remotes]]\nname = \"tasker-contrib\"\nurl = \"https://git.example/contrib.git\"\n\
         git-ref = \"v1\"\nplugin-path = \".\"\n"
    );
}

#[test]
fn published_plugins_are_those_that_tasker_ctl_has_cloned() {
    let fixture = with(GOOD);
    let ran = list(&fixture, &["published"]);
    assert_eq!(
        ran.out,
        "the published plugins are not on this machine; with that configuration: tasker-ctl remote update tasker-contrib\n"
    );
    let clone = fixture
        .shims
        .join("cache/tasker-ctl/remotes/tasker-contrib");
    common::copy(&fixture.root.join("python"), &clone);
    assert_eq!(plugins(&list(&fixture, &["published"])).len(), 1);
    let manifest = clone.join("plugin/tasker-plugin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("0.1.0", "0.1.1")).unwrap();
    let ran = list(&fixture, &["published"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("wants demo-plugin =0.1.0, but "),
        "{ran:?}"
    );
}

/// What is replaced in the good file by what, the profile that is asked for, and how the message begins.
const MISTAKES: [(&str, &str, &str, &str); 9] = [
        (
            "",
            "",
            "cl",
            "error: no profile is called `cl`",
        ),
        (
            "plugin-paths = [\"python\"]",
            "plugin-paths = [\"pyton\"]",
            "ci",
            "error: .config/tasker-cli.toml:9: profile `ci`: plugin-paths: `pyton` is not a folder of ",
        ),
        (
            "plugin-paths = [\"python\"]",
            "plugin-paths = [\"xtask\"]",
            "ci",
            "error: .config/tasker-cli.toml:9: profile `ci`: plugin-paths: `xtask` holds no plugin: no tasker-plugin.toml in it",
        ),
        (
            "demo-plugin = \"0.1\"",
            "demo-plugin = \"0.2\"",
            "ci",
            "error: .config/tasker-cli.toml:10: profile `ci`: plugin-versions: wants demo-plugin ^0.2, but python/plugin is 0.1.0\n  fix: use another version",
        ),
        (
            "demo-plugin = \"0.1\"",
            "demo-plugins = \"0.1\"",
            "ci",
            "error: .config/tasker-cli.toml:10: profile `ci`: plugin-versions: there is no plugin `demo-plugins`\n  fix: its plugins are: demo-plugin",
        ),
        (
            "demo-plugin = \"0.1\"",
            "demo-plugin = \"new\"",
            "ci",
            "error: .config/tasker-cli.toml:10: unexpected character 'n'",
        ),
        (
            "plugin-paths = [\"python\"]",
            "plugin_paths = [\"python\"]",
            "ci",
            "error: .config/tasker-cli.toml:9: unknown field `plugin_paths`, expected one of `plugin-paths`",
        ),
        (
            "plugin-paths = [\"python\"]\n",
            "",
            "ci",
            "error: .config/tasker-cli.toml:8: profile `ci`: it has neither `plugin-paths` nor `use-published-plugins`",
        ),
        (
            "[published]\nurl = \"https://git.example/contrib.git\"\ngit-ref = \"v1\"\n",
            "",
            "published",
            "error: .config/tasker-cli.toml:10: profile `published`: `use-published-plugins` is set, but the file has no [published]",
        ),
];

#[test]
fn mistakes_name_file_line_key_and_fix() {
    for (from, to, profile, expected) in MISTAKES {
        assert!(GOOD.contains(from), "{from}");
        let ran = list(&with(&GOOD.replacen(from, to, 1)), &[profile]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(
            ran.err.starts_with(expected),
            "expected {expected}, found {}",
            ran.err
        );
    }
}

#[test]
fn a_repository_without_profiles() {
    let ran = list(&Fixture::new(), &["ci"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains(".config/tasker-cli.toml"), "{ran:?}");
}

#[test]
fn the_profiles_of_this_repository_resolve() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap();
    let nowhere = root.join("no-such-cache");
    for profile in ["development", "ci", "published"] {
        xtask::plugin::profile::resolve(root, profile, &nowhere).unwrap();
    }
}
