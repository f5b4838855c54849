//! Reading what a test tool counted from the closing lines of its log.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::plan::{Count, Totals};

/// The totals of a log, if its tool counted anything.
pub fn read(count: Option<Count>, log: &Path) -> Option<Totals> {
    (count?.read)(&String::from_utf8_lossy(&std::fs::read(log).ok()?))
}

/// The last line with text in it, without reading a large log from its start.
pub fn last_line(log: &Path) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(2048)))
        .ok()?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).ok()?;
    String::from_utf8_lossy(&end)
        .lines()
        .rev()
        .map(|line| line.trim().to_owned())
        .find(|line| !line.is_empty())
}
