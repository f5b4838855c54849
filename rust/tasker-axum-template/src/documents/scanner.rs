//! The virus scanner. This one knows only the EICAR test file: put a call of yours in its place.

use async_trait::async_trait;

/// The industry's harmless test file, in two parts so that no scanner takes this source for it.
pub const EICAR: [&str; 2] = [
    r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR",
    "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
];

/// The scanner gives no answer now; trying later may help.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ScannerUnavailable(pub String);

#[async_trait]
pub trait Scanner: Send + Sync {
    /// The name of what was found, if anything was.
    ///
    /// # Errors
    ///
    /// There is no answer at the moment.
    async fn find_virus(&self, content: &[u8]) -> Result<Option<String>, ScannerUnavailable>;
}

pub struct StubScanner;

#[async_trait]
impl Scanner for StubScanner {
    async fn find_virus(&self, content: &[u8]) -> Result<Option<String>, ScannerUnavailable> {
        let test_file = EICAR.concat();
        let is_there = content
            .windows(test_file.len())
            .any(|part| part == test_file.as_bytes());
        Ok(is_there.then(|| "EICAR-Test-File".to_owned()))
    }
}
