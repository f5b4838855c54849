//! Helm: charts, of which only versions and releases are known here yet.

mod channel;
mod versions;

use super::language::Entry;

#[derive(Debug)]
pub struct Helm;

pub const ECOSYSTEM: Entry = Entry {
    language: None,
    versions: Some(&Helm),
    channel: Some(&Helm),
    constants: &[],
};
