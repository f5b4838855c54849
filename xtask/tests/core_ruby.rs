//! The gem of a Tasker Core checkout. Without Ruby these tests are reported as ignored.

mod common;
#[path = "core/world.rs"]
mod world;

use std::fs;
use std::process::{Command, ExitCode};

use common::{git, Ran};
use libtest_mimic::{Arguments, Failed, Trial};
use world::{commit, World};

fn main() -> ExitCode {
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let is_ignored = !(has("ruby") && has("gem"));
    let tests: [(&str, fn()); 2] = [
        (
            "ruby_tests_get_the_checkouts_gem",
            ruby_tests_get_the_checkouts_gem,
        ),
        (
            "a_double_of_the_gem_is_compared_with_the_checkouts_sources",
            a_double_of_the_gem_is_compared_with_the_checkouts_sources,
        ),
    ];
    let trials = tests.map(|(name, test)| {
        let run = move || -> Result<(), Failed> {
            test();
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(is_ignored)
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

fn ruby_tests_get_the_checkouts_gem() {
    let world = World::new();
    world.write(
        "ruby/app/app.gemspec",
        "Gem::Specification.new do |spec|\n  spec.name = \"ruby-app\"\n  spec.add_dependency \"tasker-rb\"\nend\n",
    );
    world.write("ruby/app/spec/.keep", "");
    let programs = world.root.with_file_name("programs");
    fs::create_dir(&programs).unwrap();
    let rspec = programs.join("rspec");
    fs::write(
        &rspec,
        "#!/bin/sh\nruby -r tasker_core -e 'puts \"core is #{TaskerCore::ORIGIN}\"' && echo '1 example, 0 failures'\n",
    )
    .unwrap();
    fs::set_permissions(&rspec, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    commit(&world.root);
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let test = |core: &str| {
        let mut command = world.command(&["--core", core, "test", "--unit", "ruby-app"]);
        Ran::from(command.env("PATH", &path).output().unwrap())
    };
    let tested = test(&world.place());
    assert_eq!(tested.code, Some(0), "{tested:?}");
    assert!(world.log("ruby-app-rspec.log").contains("core is checkout"));
    assert_eq!(git(&world.root, &["status", "--porcelain"]), "");
    assert_eq!(test("published").code, Some(1), "no such gem is installed");
}

fn a_double_of_the_gem_is_compared_with_the_checkouts_sources() {
    let world = World::new();
    world.write(
        "ruby/app/app.gemspec",
        "Gem::Specification.new do |spec|\n  spec.name = \"ruby-app\"\nend\n",
    );
    world.write(
        "ruby/app/script/check_core",
        "ours = %w[ORIGIN]\ntheirs = File.read(File.join(ARGV.fetch(0), 'lib/tasker_core.rb')).scan(/^ *([A-Z]+) =/).flatten\n\
         missing = ours - theirs\nputs \"not in the gem: #{missing.join(', ')}\" unless missing.empty?\nexit missing.empty?\n",
    );
    commit(&world.root);
    let check = || world.run(&["--core", &world.place(), "core", "check", "--lang", "ruby"]);
    let same = check();
    assert_eq!(same.code, Some(0), "{same:?}");
    assert!(same.out.contains("ok ruby/app:double"), "{}", same.out);
    world.edit("bindings/ruby/lib/tasker_core.rb", "ORIGIN", "SOURCE");
    let other = check();
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(
        other.out.contains("not in the gem: ORIGIN"),
        "{}",
        other.out
    );
}
