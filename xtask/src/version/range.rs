//! Ranges of versions, as each ecosystem writes them: whether one admits a version, and what it becomes when it must.

use semver::Version;

use super::{notation, Ecosystem};

#[derive(Clone, Copy, PartialEq)]
enum Op {
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

/// Whether a range admits a version; none if the range has a form that is not understood.
pub fn admits(ecosystem: Ecosystem, range: &str, version: &Version) -> Option<bool> {
    let mut bounds = Vec::new();
    let pieces: Vec<&str> = match ecosystem {
        // `>= 1 < 2` without commas; operators may stand apart from their versions.
        Ecosystem::Npm => return admits(Ecosystem::Chart, &with_commas(range)?, version),
        _ => range
            .split(',')
            .map(str::trim)
            .filter(|piece| !piece.is_empty())
            .collect(),
    };
    for piece in pieces {
        bounds.extend(parse(ecosystem, piece)?);
    }
    let holds = bounds.iter().all(|(op, bound)| match op {
        Op::Equal => version == bound,
        Op::Not => version != bound,
        Op::Least => version >= bound,
        Op::Above => version > bound,
        Op::Most => version <= bound,
        Op::Below => version < bound,
    });
    let same = |bound: &Version| {
        matches!(ecosystem, Ecosystem::Python | Ecosystem::Gem)
            || (bound.major, bound.minor, bound.patch)
                == (version.major, version.minor, version.patch)
    };
    let asked_for = version.pre.is_empty()
        || bounds
            .iter()
            .any(|(op, bound)| *op != Op::Not && !bound.pre.is_empty() && same(bound));
    Some(holds && asked_for)
}

fn with_commas(range: &str) -> Option<String> {
    if range.contains("||") || range.contains(" - ") {
        return None;
    }
    let mut out = String::new();
    for word in range.split_whitespace() {
        if !out.is_empty() && !out.ends_with(['<', '>', '=', '^', '~']) {
            out.push(',');
        }
        out.push_str(word);
    }
    Some(out)
}

fn parse(ecosystem: Ecosystem, piece: &str) -> Option<Vec<(Op, Version)>> {
    if piece == "*" {
        return Some(Vec::new());
    }
    let end = piece.find(|c: char| c.is_ascii_digit())?;
    let (op, text) = (piece[..end].trim(), piece[end..].trim());
    if text.contains('*') || text.contains('x') {
        return None;
    }
    let version = notation::read(ecosystem, text).ok()?;
    let parts = text
        .split('.')
        .take(3)
        .filter(|part| part.starts_with(|c: char| c.is_ascii_digit()))
        .count();
    let between = |top: Version| Some(vec![(Op::Least, version.clone()), (Op::Below, top)]);
    let Version {
        major,
        minor,
        patch,
        ..
    } = version;
    let caret = |version: &Version| match parts {
        1 => Version::new(major + 1, 0, 0),
        _ if major == 0 && minor == 0 && parts == 3 => Version::new(0, 0, patch + 1),
        _ => next_breaking(version),
    };
    let tilde = if parts == 1 {
        Version::new(major + 1, 0, 0)
    } else {
        Version::new(major, minor + 1, 0)
    };
    let pessimistic = if parts <= 2 {
        Version::new(major + 1, 0, 0)
    } else {
        Version::new(major, minor + 1, 0)
    };
    match (op, ecosystem) {
        ("^", _) | ("", Ecosystem::Crate) => between(caret(&version)),
        ("~>", Ecosystem::Gem) | ("~=", Ecosystem::Python) => between(pessimistic),
        ("~", _) => between(tilde),
        ("=" | "==" | "===" | "", _) => Some(vec![(Op::Equal, version)]),
        ("!=", _) => Some(vec![(Op::Not, version)]),
        (">=", _) => Some(vec![(Op::Least, version)]),
        (">", _) => Some(vec![(Op::Above, version)]),
        ("<=", _) => Some(vec![(Op::Most, version)]),
        ("<", _) => Some(vec![(Op::Below, version)]),
        _ => None,
    }
}

/// The range in the same style that starts at a version.
///
/// # Errors
/// See [`notation::pre`].
pub fn starting_at(ecosystem: Ecosystem, range: &str, version: &Version) -> Result<String, String> {
    let new = notation::write(ecosystem, version)?;
    let top = next_breaking(version);
    let range = range.trim();
    let single =
        !range.contains(',') && with_commas(range).is_some_and(|range| !range.contains(','));
    let op = range
        .split(|c: char| c.is_ascii_digit())
        .next()
        .unwrap_or("")
        .trim();
    let space = if ecosystem == Ecosystem::Gem && !op.is_empty() {
        " "
    } else {
        ""
    };
    Ok(match op {
        "^" | "~" | "~>" | "~=" | "=" | "==" | "" if single && range != "*" => {
            format!("{op}{space}{new}")
        }
        _ => match ecosystem {
            Ecosystem::Python => format!(">={new},<{top}"),
            Ecosystem::Npm => format!(">={new} <{top}"),
            Ecosystem::Gem => format!(">= {new}, < {top}"),
            _ => format!(">={new}, <{top}"),
        },
    })
}
