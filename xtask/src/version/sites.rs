//! Where values stand in a file.

use std::ops::Range;

/// Every string in a JSON text with the keys that lead to it; spans are without quotes. The text must be valid.
pub fn json(text: &str) -> Vec<(Vec<String>, Range<usize>)> {
    let mut found = Vec::new();
    let mut path: Vec<String> = Vec::new();
    // For each open bracket whether it is an object's, and the key that led to it.
    let mut open: Vec<bool> = Vec::new();
    let mut expects_key = false;
    let mut key: Option<String> = None;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let start = at + 1;
                at = start;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let word = text[start..at].to_owned();
                if expects_key {
                    key = Some(word);
                    expects_key = false;
                } else {
                    let mut whole = path.clone();
                    whole.extend(key.clone());
                    found.push((whole, start..at));
                }
            }
            bracket @ (b'{' | b'[') => {
                path.push(key.take().unwrap_or_default());
                open.push(bracket == b'{');
                expects_key = bracket == b'{';
            }
            b'}' | b']' => {
                path.pop();
                open.pop();
                key = None;
                expects_key = false;
            }
            b',' => {
                key = None;
                expects_key = open.last() == Some(&true);
            }
            _ => {}
        }
        at += 1;
    }
    for (path, _) in &mut found {
        path.remove(0);
    }
    found
}

/// The span of the text between the first pair of quotes of a line, and those after it.
pub fn quoted(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some(start) = line[rest..].find(['"', '\'']).map(|at| rest + at) {
        let quote = &line[start..=start];
        let Some(length) = line[start + 1..].find(quote) else {
            break;
        };
        found.push(start + 1..start + 1 + length);
        rest = start + length + 2;
    }
    found
}

/// Lines with the offset at which each begins.
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line.trim_end_matches(['\n', '\r'])))
    })
}
