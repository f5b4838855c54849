//! The variables that a Tera template reads: enough of its grammar to tell a name of a value from everything else.
//!
//! Whether a template is well-formed is for `tasker-ctl` to say; every template is rendered with it.

use std::collections::{BTreeMap, BTreeSet};

/// Words that Tera understands itself.
const WORDS: [&str; 36] = [
    "and",
    "or",
    "not",
    "in",
    "is",
    "true",
    "false",
    "True",
    "False",
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "set",
    "set_global",
    "break",
    "continue",
    "block",
    "endblock",
    "extends",
    "include",
    "import",
    "as",
    "macro",
    "endmacro",
    "filter",
    "endfilter",
    "raw",
    "endraw",
    "ignore",
    "missing",
    "loop",
    "self",
    "__tera_context",
];

/// What a template reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Each variable with the 1-based line of its first use.
    pub variables: BTreeMap<String, usize>,
    /// Templates it includes, extends or imports.
    pub files: BTreeSet<String>,
    /// Variables that are printed in a way that can leave separators and dots at the beginning, or `..`, in the text.
    pub printed_bare: BTreeSet<String>,
}

/// Finds what a template reads.
///
/// ```
/// use xtask::plugin::variables::reads;
/// let found = reads("{% set x = a.b %}{{ x }} {{ name | default(value=other) }} {# {{ no }} #}");
/// assert_eq!(found.variables.keys().collect::<Vec<_>>(), ["a", "name", "other"]);
/// ```
pub fn reads(text: &str) -> Reads {
    let mut found = Reads::default();
    let mut locals = BTreeSet::new();
    for (line, code, is_tag) in pieces(text) {
        let tokens = tokens(&code);
        if is_tag {
            locals.extend(introduced(&tokens));
            found.files.extend(files(&tokens));
        }
        let names = names(&tokens, is_tag);
        if !is_tag && !is_tame(&tokens) {
            found.printed_bare.extend(names.iter().cloned());
        }
        for name in names {
            found.variables.entry(name).or_insert(line);
        }
    }
    found.variables.retain(|name, _| !locals.contains(name));
    found
}

/// Filters that leave letters, digits and one kind of sign.
const CASES: [&str; 4] = ["snake_case", "pascal_case", "camel_case", "kebab_case"];

/// Whether what is printed can be no path that leads elsewhere: it goes through a case filter, or loses its slashes and then the dots
/// at its beginning.
fn is_tame(tokens: &[Token]) -> bool {
    let at = |wanted: &[&str]| {
        tokens.windows(wanted.len()).position(|part| {
            part.iter().zip(wanted).all(|(token, wanted)| match token {
                Token::Name(text) | Token::Text(text) => text == wanted,
                Token::Sign(sign) => wanted.chars().eq([*sign]),
            })
        })
    };
    let slashes = at(&["replace", "(", "from", "=", "/"]);
    let dots = at(&["trim_start_matches", "(", "pat", "=", "."]);
    CASES.iter().any(|case| at(&["|", case]).is_some())
        || slashes
            .zip(dots)
            .is_some_and(|(slashes, dots)| slashes < dots)
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Text(String),
    Sign(char),
}

/// The code between `{{ }}` and `{% %}`: line, text, and whether it is a tag. Comments and raw blocks are left out.
fn pieces(text: &str) -> Vec<(usize, String, bool)> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut is_raw = false;
    while let Some(start) = text[at..].find('{').map(|offset| at + offset) {
        let close = match text.as_bytes().get(start + 1) {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            Some(b'#') => "#}",
            _ => {
                at = start + 1;
                continue;
            }
        };
        let Some(end) = text[start + 2..]
            .find(close)
            .map(|offset| start + 2 + offset)
        else {
            break;
        };
        let code = text[start + 2..end].trim_matches('-').trim().to_owned();
        at = end + 2;
        if is_raw {
            is_raw = code != "endraw";
        } else if code == "raw" {
            is_raw = true;
        } else if close != "#}" {
            found.push((crate::file::line_of(text, start), code, close == "%}"));
        }
    }
    found
}

fn tokens(code: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = code.chars().peekable();
    while let Some(first) = rest.next() {
        if first.is_ascii_alphabetic() || first == '_' {
            let mut name = String::from(first);
            while let Some(next) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                name.push(next);
            }
            found.push(Token::Name(name));
        } else if "\"'`".contains(first) {
            found.push(Token::Text(
                rest.by_ref().take_while(|c| *c != first).collect(),
            ));
        } else if first.is_ascii_digit() {
            while rest.next_if(char::is_ascii_alphanumeric).is_some() {}
        } else if !first.is_whitespace() {
            found.push(Token::Sign(first));
        }
    }
    found
}

/// Names of values, in order. A name after `.`, `|` or `is` or before `(`, `::` or `=` is one of a field, filter, test, function or argument.
fn names(tokens: &[Token], is_tag: bool) -> Vec<String> {
    let sign = |index: usize, wanted: char| tokens.get(index) == Some(&Token::Sign(wanted));
    let word = |index: usize, wanted: &str| matches!(tokens.get(index), Some(Token::Name(name)) if name == wanted);
    let is_block_name = |index: usize| {
        is_tag
            && index == 1
            && ["block", "endblock", "macro", "endmacro", "filter"]
                .iter()
                .any(|tag| word(0, tag))
    };
    tokens
        .iter()
        .enumerate()
        .filter_map(|(index, token)| match token {
            Token::Name(name) if !WORDS.contains(&name.as_str()) => Some((index, name)),
            _ => None,
        })
        .filter(|(index, _)| !is_block_name(*index))
        .filter(|(index, _)| {
            let before = index.checked_sub(1);
            let follows = |signs: &str| {
                before.is_some_and(|before| signs.chars().any(|wanted| sign(before, wanted)))
            };
            let is_test = before.is_some_and(|before| {
                word(before, "is")
                    || word(before, "not") && before.checked_sub(1).is_some_and(|it| word(it, "is"))
            });
            !follows(".|:") && !is_test
        })
        .filter(|(index, _)| {
            let is_argument = sign(index + 1, '=') && !sign(index + 2, '=');
            let is_module = sign(index + 1, ':') && sign(index + 2, ':');
            !(sign(index + 1, '(') || is_module || is_argument)
        })
        .map(|(_, name)| name.clone())
        .collect()
}

/// Names that a tag gives a meaning: `for x in`, `set x =`, `macro m(x)`, `import "f" as x`.
fn introduced(tokens: &[Token]) -> Vec<String> {
    let Some(Token::Name(tag)) = tokens.first() else {
        return Vec::new();
    };
    let until: Option<Token> = match tag.as_str() {
        "for" => Some(Token::Name("in".into())),
        "set" | "set_global" => Some(Token::Sign('=')),
        "macro" | "import" => None,
        _ => return Vec::new(),
    };
    tokens[1..]
        .iter()
        .take_while(|token| Some(*token) != until.as_ref())
        .filter_map(|token| match token {
            Token::Name(name) => Some(name.clone()),
            _ => None,
        })
        .collect()
}

fn files(tokens: &[Token]) -> Vec<String> {
    let tag = matches!(tokens.first(), Some(Token::Name(name)) if ["include", "extends", "import"].contains(&name.as_str()));
    tokens
        .iter()
        .filter_map(|token| match token {
            Token::Text(text) if tag => Some(text.clone()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::reads;

    fn names(text: &str) -> Vec<String> {
        reads(text).variables.into_keys().collect()
    }

    #[test]
    fn only_values_count() {
        for (text, expected) in [
            ("{{ name | snake_case }}", vec!["name"]),
            ("{%- if a and not b is defined -%}{{ c.d[e] }}{% elif f == 'g' %}", vec!["a", "b", "c", "e", "f"]),
            ("{% for k, v in items %}{{ k }}{{ v }}{{ loop.index }}{% endfor %}", vec!["items"]),
            ("{% set x = split(pat=sep, on=text) | first %}{{ x }}", vec!["sep", "text"]),
            ("{% import 'm.tera' as m %}{{ m::call(a=one) }}{% macro f(x, y=1) %}{{ x }}{% endmacro f %}", vec!["one"]),
            ("{% raw %}{{ no }}{% endraw %}{# {{ no }} #} { no } {{ yes }}", vec!["yes"]),
            ("{% if x == 1 %}{{ 2 + y }}{% endif %}{% block z %}{% endblock z %}", vec!["x", "y"]),
            ("{{ a ~ \"b | c {\" }}", vec!["a"]),
        ] {
            assert_eq!(names(text), expected, "{text}");
        }
    }

    #[test]
    fn lines_files_and_bare_values() {
        let found = reads(
            "one\n{{ a }}\n{% include \"part.tera\" %}{{ b | snake_case }}{{ c | upper }}{{ a }}",
        );
        assert_eq!(found.variables["a"], 2);
        assert_eq!(found.variables["b"], 3);
        assert_eq!(found.files.into_iter().collect::<Vec<_>>(), ["part.tera"]);
        assert_eq!(
            found.printed_bare.into_iter().collect::<Vec<_>>(),
            ["a", "c"]
        );
    }
}
