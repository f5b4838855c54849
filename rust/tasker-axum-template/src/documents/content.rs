//! What is read from the bytes of a document. Plain text, with a form feed between two pages.

const PAGE_BREAK: char = '\u{c}';
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The content is not text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document is not UTF-8")]
pub struct NotReadable;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageText {
    pub number: i32,
    pub text: String,
    pub words: i32,
}

/// The text of every page; there is always one at least.
///
/// # Errors
///
/// It is not UTF-8.
pub fn split_pages(content: &[u8]) -> Result<Vec<&str>, NotReadable> {
    let text = std::str::from_utf8(content).map_err(|_| NotReadable)?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    Ok(text.split(PAGE_BREAK).collect())
}

/// Tidies the text of a page and counts its words.
pub fn read_page(number: i32, text: &str) -> PageText {
    // PostgreSQL stores no NUL in a text.
    let text = text
        .replace('\0', "")
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let tidy: Vec<String> = text.split('\n').map(words).collect();
    let tidy = tidy.join("\n").trim().to_owned();
    PageText {
        number,
        words: i32::try_from(tidy.split_whitespace().count()).unwrap_or(i32::MAX),
        text: tidy,
    }
}
