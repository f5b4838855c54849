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

use semver::{BuildMetadata, Prerelease, Version};

use super::Ecosystem;

/// The kinds of pre-release, with Python's letters for them.
pub const KINDS: [(&str, &str); 3] = [("alpha", "a"), ("beta", "b"), ("rc", "rc")];

/// Kind and number of a pre-release; none for a final version.
///
/// # Errors
/// The reason, if it cannot be written in every ecosystem.
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

/// A version as an ecosystem writes it.
///
/// ```
/// use xtask::version::{notation::write, Ecosystem};
/// assert_eq!(write(Ecosystem::Python, &"1.2.0-rc.3".parse().unwrap()).unwrap(), "1.2.0rc3");
/// ```
///
/// # Errors
/// See [`pre`].
pub fn write(ecosystem: Ecosystem, version: &Version) -> Result<String, String> {
    let Some((kind, number)) = pre(version)? else {
        return Ok(version.to_string());
    };
    let Version {
        major,
        minor,
        patch,
        ..
    } = version;
    Ok(match ecosystem {
        Ecosystem::Python => {
            let letter = KINDS
                .iter()
                .find(|(name, _)| *name == kind)
                .map_or(kind, |(_, letter)| letter);
            format!("{major}.{minor}.{patch}{letter}{number}")
        }
        Ecosystem::Gem => format!("{major}.{minor}.{patch}.{kind}.{number}"),
        _ => version.to_string(),
    })
}

/// Reads a version as an ecosystem writes it; parts that are left out are zero.
///
/// # Errors
/// The reason, if it is none that every ecosystem can write.
pub fn read(ecosystem: Ecosystem, text: &str) -> Result<Version, String> {
    let bad = || {
        format!("`{text}` is not a version of the form MAJOR.MINOR.PATCH with an optional alpha, beta or rc")
    };
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let mut parts = numbers
        .trim_end_matches('.')
        .split('.')
        .map(str::parse::<u64>);
    let mut next = || parts.next().unwrap_or(Ok(0)).map_err(|_| bad());
    let mut version = Version::new(next()?, next()?, next()?);
    if parts.next().is_some() {
        return Err(bad());
    }
    if rest.is_empty() {
        return if numbers.ends_with('.') {
            Err(bad())
        } else {
            Ok(version)
        };
    }
    let python = ecosystem == Ecosystem::Python;
    let found = KINDS.iter().find_map(|(name, letter)| match ecosystem {
        Ecosystem::Python => Some((name, rest.strip_prefix(letter)?)),
        Ecosystem::Gem => Some((name, rest.strip_prefix(name)?.strip_prefix('.')?)),
        _ => Some((
            name,
            rest.strip_prefix('-')?
                .strip_prefix(name)?
                .strip_prefix('.')?,
        )),
    });
    let dot_fits = numbers.ends_with('.') == (ecosystem == Ecosystem::Gem);
    let (kind, number) = found
        .filter(|_| dot_fits || python && !numbers.ends_with('.'))
        .ok_or_else(bad)?;
    let number: u64 = number.parse().map_err(|_| bad())?;
    version.pre = Prerelease::new(&format!("{kind}.{number}")).map_err(|_| bad())?;
    version.build = BuildMetadata::EMPTY;
    Ok(version)
}

/// The npm tag under which a version is found.
pub fn npm_tag(version: &Version) -> &'static str {
    pre(version)
        .ok()
        .flatten()
        .map_or("latest", |(kind, _)| kind)
}
