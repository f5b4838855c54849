//! One version, written as each ecosystem writes it.
//!
//! | semver, npm, charts | Python | RubyGems | npm tag |
//! |---|---|---|---|
//! | `1.2.0` | `1.2.0` | `1.2.0` | `latest` |
//! | `1.2.0-alpha.1` | `1.2.0a1` | `1.2.0.alpha.1` | `alpha` |
//! | `1.2.0-beta.2` | `1.2.0b2` | `1.2.0.beta.2` | `beta` |
//! | `1.2.0-rc.3` | `1.2.0rc3` | `1.2.0.rc.3` | `rc` |
//!
//! Other pre-releases and build metadata have no counterpart everywhere, so they are refused.

use semver::{Prerelease, Version};

/// The kinds of pre-release, with Python's letters for them.
pub const KINDS: [(&str, &str); 3] = [("alpha", "a"), ("beta", "b"), ("rc", "rc")];

/// Kind and number of a pre-release; none for a final version.
pub fn pre(version: &Version) -> Result<Option<(&'static str, u64)>, String> {
    if !version.build.is_empty() {
        return Err(format!(
            "{version} has build metadata, which registries do not keep"
        ));
    }
    if version.pre.is_empty() {
        return Ok(None);
    }
    let parts = version
        .pre
        .as_str()
        .split_once('.')
        .and_then(|(kind, number)| {
            let kind = KINDS.iter().find(|(name, _)| *name == kind)?.0;
            Some((kind, number.parse().ok()?))
        });
    parts.map(Some).ok_or_else(|| {
        format!("{version} is not a pre-release that every ecosystem can write; use -alpha.N, -beta.N or -rc.N")
    })
}

/// Reads a version whose pre-release begins with what `before` gives for its kind and Python's letter for it; parts that are left out are zero.
pub fn read(text: &str, before: impl Fn(&str, &str) -> String) -> Result<Version, String> {
    let bad = || {
        format!("`{text}` is not a version of the form MAJOR.MINOR.PATCH with an optional alpha, beta or rc")
    };
    let found = KINDS.iter().find_map(|(kind, letter)| {
        let (numbers, number) = text.split_once(&before(kind, letter))?;
        Some((numbers, Some((kind, number))))
    });
    let (numbers, pre) = found.unwrap_or((text, None));
    let mut parts = numbers.split('.').map(str::parse::<u64>);
    let mut next = || parts.next().unwrap_or(Ok(0)).map_err(|_| bad());
    let mut version = Version::new(next()?, next()?, next()?);
    if parts.next().is_some() {
        return Err(bad());
    }
    if let Some((kind, number)) = pre {
        let number: u64 = number.parse().map_err(|_| bad())?;
        version.pre = Prerelease::new(&format!("{kind}.{number}")).map_err(|_| bad())?;
    }
    Ok(version)
}
