//! The environment that tasks start from: cleared, then filled with what is on this list.
//!
//! What is passed on is part of every result's key, so a variable that could change a result and is not on the list cannot reach a task,
//! and one that is on it makes the result a different one. A unit adds names of its own with `env` in its manifest's xtask table.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Passed on by name.
const NAMES: [&str; 43] = [
    // Who and where one is.
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "LANG",
    "LANGUAGE",
    "TZ",
    "CI",
    // The network, as package clients see it.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    // Compilers.
    "CC",
    "CXX",
    "AR",
    "CFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "PKG_CONFIG_PATH",
    "SDKROOT",
    "DEVELOPER_DIR",
    "MACOSX_DEPLOYMENT_TARGET",
    // Cargo and rustc.
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_JOBS",
    "CARGO_INCREMENTAL",
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUST_BACKTRACE",
    "RUST_TEST_THREADS",
    "RUST_MIN_STACK",
    "PROTOC",
    "SQLX_OFFLINE",
];

/// Passed on by the beginning of the name. Those of clients that may hold a password are on no such list.
const PREFIXES: [&str; 14] = [
    "LC_",
    "XDG_",
    "CARGO_NET_",
    "CARGO_HTTP_",
    "CARGO_PROFILE_",
    "CARGO_REGISTRIES_",
    "UV_",
    "PIP_",
    "PYENV_",
    "RBENV_",
    "npm_config_",
    "NPM_CONFIG_",
    "BUNDLE_",
    "GEM_",
];

/// Passed on, but no part of a key: what they choose shows in the versions of the tools, which are one. `cargo xtask` sets them itself.
const CHOOSE_TOOLCHAINS: [&str; 3] = ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"];

/// Beginnings of git's variables that say who somebody is and how servers are reached. All others choose a repository, an index or a form of output.
const KEPT_FOR_GIT: [&str; 14] = [
    "GIT_AUTHOR_",
    "GIT_COMMITTER_",
    "GIT_SSH",
    "GIT_ASKPASS",
    "GIT_SSL_",
    "GIT_HTTP_",
    "GIT_PROXY_",
    "GIT_EXEC_PATH",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_COUNT",
    // With the count: how a workflow gives a token.
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_VALUE_",
];

/// Whether a variable would lead git elsewhere: a hook has those of its own repository.
pub fn leads_git_elsewhere(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let kept = KEPT_FOR_GIT.iter().any(|kept| name.starts_with(kept));
    name.starts_with("GIT_") && !kept
}

/// The variables that tasks get, and of them those that count in keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    passed: BTreeMap<OsString, OsString>,
    others: BTreeMap<OsString, OsString>,
}

impl Environment {
    pub fn ours() -> Self {
        Self::of(std::env::vars_os())
    }

    pub fn of(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let (passed, others) = vars.into_iter().partition(|(name, _)| is_passed(name));
        Self { passed, others }
    }

    /// What a task gets: the listed ones and those that its unit asks for.
    pub fn for_task<'a>(
        &'a self,
        wanted: &'a [String],
    ) -> impl Iterator<Item = (&'a OsStr, &'a OsStr)> {
        let listed = self
            .passed
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()));
        listed.chain(self.wanted(wanted))
    }

    /// What counts in the key of every result.
    pub fn keyed(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.passed
            .iter()
            .filter(|(name, _)| !CHOOSE_TOOLCHAINS.iter().any(|other| *name == other))
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Those that a unit asks for, as far as they are set.
    pub fn wanted<'a>(
        &'a self,
        wanted: &'a [String],
    ) -> impl Iterator<Item = (&'a OsStr, &'a OsStr)> {
        wanted.iter().filter_map(|name| {
            self.others
                .get_key_value(OsStr::new(name))
                .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
        })
    }
}

/// Whether a variable's name says that its value is secret. The only such list: tasks, keys, releases and logs all ask it.
pub fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 7] = [
        "TOKEN",
        "PASSWORD",
        "PASSWD",
        "SECRET",
        "API_KEY",
        "_AUTH",
        "CREDENTIAL",
    ];
    let name = name.to_ascii_uppercase();
    // Bundler takes `user:password` from the name of a host, with `__` for its dots; settings of its own begin so, too.
    let of_host = name.strip_prefix("BUNDLE_").is_some_and(|rest| {
        rest.contains("__")
            && !["BUILD__", "LOCAL__", "MIRROR__"]
                .iter()
                .any(|own| rest.starts_with(own))
    });
    of_host || WORDS.iter().any(|word| name.contains(word))
}

fn is_passed(name: &OsStr) -> bool {
    let is_listed = NAMES
        .iter()
        .chain(&CHOOSE_TOOLCHAINS)
        .any(|known| name == *known);
    let is_prefixed = PREFIXES
        .iter()
        .any(|prefix| name.as_bytes().starts_with(prefix.as_bytes()));
    is_listed || is_prefixed && !is_secret(&name.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(names: &[&str]) -> Environment {
        Environment::of(names.iter().map(|name| ((*name).into(), "1".into())))
    }

    fn names<'a>(vars: impl Iterator<Item = (&'a OsStr, &'a OsStr)>) -> Vec<String> {
        vars.map(|(name, _)| name.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn only_what_is_listed_or_asked_for_is_passed_on() {
        let all = vars(&[
            "PATH",
            "LC_ALL",
            "DATABASE_URL",
            "SECRET_KEY",
            "RUSTUP_TOOLCHAIN",
        ]);
        assert_eq!(
            names(all.for_task(&[])),
            ["LC_ALL", "PATH", "RUSTUP_TOOLCHAIN"]
        );
        let wanted = ["DATABASE_URL".to_owned(), "NOT_SET".to_owned()];
        assert_eq!(
            names(all.for_task(&wanted)),
            ["LC_ALL", "PATH", "RUSTUP_TOOLCHAIN", "DATABASE_URL"]
        );
        assert_eq!(names(all.keyed()), ["LC_ALL", "PATH"]);
    }

    #[test]
    fn a_password_of_a_package_client_stays_here() {
        let all = vars(&[
            "CARGO_REGISTRIES_MINE_TOKEN",
            "npm_config_//host/:_authToken",
            "UV_INDEX_MINE_PASSWORD",
            "GEM_HOST_API_KEY",
            "BUNDLE_GEMS__EXAMPLE__COM",
            "BUNDLE_PATH",
            "BUNDLE_BUILD__NOKOGIRI",
            "UV_CACHE_DIR",
        ]);
        let harmless = ["BUNDLE_BUILD__NOKOGIRI", "BUNDLE_PATH", "UV_CACHE_DIR"];
        assert_eq!(names(all.for_task(&[])), harmless);
        assert_eq!(names(all.keyed()), harmless);
    }
}
