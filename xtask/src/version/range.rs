//! Ranges of versions: whether one admits a version, and what it becomes when it must. How they are written is the ecosystems' own.

use semver::{Version, VersionReq};

use super::package::Versions;

/// How a version is compared with the end of a range.
#[derive(Clone, Copy, PartialEq)]
pub enum Op {
    Equal,
    Not,
    Least,
    Above,
    Most,
    Below,
}

/// The first version that may break what works with this one: the next major, or below 1.0 the next minor.
pub fn next_breaking(version: &Version) -> Version {
    match version {
        Version {
            major: 0, minor, ..
        } => Version::new(0, minor + 1, 0),
        Version { major, .. } => Version::new(major + 1, 0, 0),
    }
}

/// Whether a range of npm or Helm admits a version. They mean what cargo means, except that a version without an operator stands for itself.
pub fn plain_admits(range: &str, version: &Version) -> Option<bool> {
    if range.contains(" - ") {
        return None;
    }
    let mut admits = false;
    for alternative in range.split("||") {
        let comparators = comparators(alternative).into_iter().map(|word| {
            let is_bare = word.starts_with(|c: char| c.is_ascii_digit());
            let is_open = word.contains(['*', 'x', 'X']);
            if is_bare && !is_open {
                format!("={word}")
            } else {
                word
            }
        });
        let text = comparators.collect::<Vec<_>>().join(", ");
        let text = if text.is_empty() { "*" } else { &text };
        admits |= VersionReq::parse(text).ok()?.matches(version);
    }
    Some(admits)
}

/// The parts that must all hold; an operator may stand apart from its version.
fn comparators(range: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in range.split([' ', ',']).filter(|word| !word.is_empty()) {
        match found.last_mut() {
            Some(last) if last.ends_with(['<', '>', '=', '^', '~']) => last.push_str(word),
            _ => found.push(word.to_owned()),
        }
    }
    found
}

/// Whether a version is within bounds, of a range that lets a pre-release in only if it names one.
pub fn within(bounds: &[(Op, Version)], version: &Version) -> bool {
    let holds = |(op, bound): &(Op, Version)| match op {
        Op::Equal => version == bound,
        Op::Not => version != bound,
        Op::Least => version >= bound,
        Op::Above => version > bound,
        Op::Most => version <= bound,
        Op::Below => version < bound,
    };
    let names_one = |(op, bound): &(Op, Version)| *op != Op::Not && !bound.pre.is_empty();
    bounds.iter().all(holds) && (version.pre.is_empty() || bounds.iter().any(names_one))
}

/// The bounds of a range of Python or RubyGems: parts between commas, with the operator for "this and compatible ones" and one for exactly one version.
pub fn bounds(
    ecosystem: &dyn Versions,
    range: &str,
    compatible: &str,
) -> Option<Vec<(Op, Version)>> {
    let mut bounds = Vec::new();
    let pieces = range.split(',').map(str::trim);
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        let end = piece.find(|c: char| c.is_ascii_digit())?;
        let (op, text) = (piece[..end].trim(), piece[end..].trim());
        let version = ecosystem.parse(text).ok()?;
        let op = match op {
            _ if op == compatible => {
                let has_patch = text.split('.').nth(2).is_some();
                let Version { major, minor, .. } = version;
                let top = if has_patch {
                    Version::new(major, minor + 1, 0)
                } else {
                    Version::new(major + 1, 0, 0)
                };
                bounds.push((Op::Below, top));
                Op::Least
            }
            "=" | "==" | "===" | "" => Op::Equal,
            "!=" => Op::Not,
            ">=" => Op::Least,
            ">" => Op::Above,
            "<=" => Op::Most,
            "<" => Op::Below,
            _ => return None,
        };
        bounds.push((op, version));
    }
    Some(bounds)
}

/// The range in the same style that starts at a version.
pub fn starting_at(
    ecosystem: &dyn Versions,
    range: &str,
    version: &Version,
) -> Result<String, String> {
    let new = ecosystem.write(version)?;
    let range = range.trim();
    let is_single = comparators(range).len() == 1 && range != "*";
    let op = range.split(|c: char| c.is_ascii_digit()).next();
    let op = op.unwrap_or("").trim();
    Ok(match op {
        "" if is_single => new,
        "^" | "~" | "~>" | "~=" | "=" | "==" if is_single => {
            format!("{op}{}{new}", ecosystem.after_operator())
        }
        _ => ecosystem.between(&new, &next_breaking(version)),
    })
}
