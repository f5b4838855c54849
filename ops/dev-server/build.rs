//! Finds the SQL of the PGMQ extension in the `pgmq` package, so that the binary carries it.
//!
//! PGMQ is pure SQL, and its crate ships the extension's files, but exports no path to them. Cargo's own metadata knows where the
//! package lies, be it a registry checkout or a vendored folder.

use std::path::{Path, PathBuf};
use std::{env, fs};

use cargo_metadata::Package;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=Cargo.toml");
    let packages = metadata().packages;
    let source = pgmq_sources(&packages).join("src/install/embedded");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo sets OUT_DIR"));
    copy(&source.join("pgmq.control"), &out.join("pgmq.control"));
    copy(&source.join("sql/pgmq.sql"), &out.join("pgmq.sql"));
    let control = fs::read_to_string(out.join("pgmq.control")).expect("just written");
    println!("cargo:rustc-env=PGMQ_VERSION={}", default_version(&control));
    println!(
        "cargo:rustc-env=TASKER_CORE_VERSION={}",
        package(&packages, "tasker-orchestration", |_| true).version
    );
}

/// Describes this crate's graph for the target alone, since other platforms' packages were not downloaded. What other members of the
/// workspace need may not be there either, so the second try may use the network.
fn metadata() -> cargo_metadata::Metadata {
    let manifest =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("Cargo sets CARGO_MANIFEST_DIR"))
            .join("Cargo.toml");
    let target = env::var("TARGET").expect("Cargo sets TARGET");
    let describe = |more: &[&str]| {
        let mut options: Vec<String> = vec!["--filter-platform".into(), target.clone()];
        options.extend(more.iter().map(|option| (*option).to_owned()));
        cargo_metadata::MetadataCommand::new()
            .manifest_path(&manifest)
            .other_options(options)
            .exec()
    };
    describe(&["--offline"])
        .or_else(|_| describe(&[]))
        .expect("`cargo metadata` describes the packages of this build")
}

fn package<'a>(
    packages: &'a [Package],
    name: &str,
    accept: impl Fn(&Package) -> bool,
) -> &'a Package {
    packages
        .iter()
        .find(|package| *package.name == *name && accept(package))
        .unwrap_or_else(|| panic!("the package {name} is a dependency of this crate"))
}

/// Two versions of `pgmq` are in the graph; only newer ones carry the extension.
fn pgmq_sources(packages: &[Package]) -> PathBuf {
    let folder = |package: &Package| {
        package
            .manifest_path
            .parent()
            .map(|path| path.as_std_path().to_owned())
    };
    let found = package(packages, "pgmq", |package| {
        folder(package).is_some_and(|path| path.join("src/install/embedded/pgmq.control").exists())
    });
    folder(found).expect("a manifest lies in a folder")
}

fn default_version(control: &str) -> String {
    control
        .lines()
        .find_map(|line| line.strip_prefix("default_version = '"))
        .and_then(|rest| rest.strip_suffix('\''))
        .expect("pgmq.control names its default version")
        .to_owned()
}

fn copy(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap_or_else(|error| panic!("cannot copy {}: {error}", from.display()));
}
