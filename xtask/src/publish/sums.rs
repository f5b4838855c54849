//! SHA-256 sums of files, in the form that `sha256sum --check` reads.

use std::io::Read;
use std::path::Path;

use base64::prelude::{Engine as _, BASE64_STANDARD};
use sha2::{Digest, Sha256, Sha512};

use crate::error::{Error, Result};

/// The name of the file with sums.
pub const FILE: &str = "SHA256SUMS";

/// How bytes are summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Sha256,
    Sha512,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// How it was made.
    pub algorithm: Algorithm,
    /// Lower-case hexadecimal.
    pub hex: String,
}

impl std::fmt::Display for Sum {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.algorithm {
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        };
        write!(out, "{name}:{}", self.hex)
    }
}

impl Sum {
    /// A SHA-256 sum that somebody else computed.
    pub fn sha256(hex: &str) -> Self {
        Self {
            algorithm: Algorithm::Sha256,
            hex: hex.to_lowercase(),
        }
    }

    /// An npm integrity such as `sha512-…`; none if it uses another algorithm.
    pub fn integrity(text: &str) -> Option<Self> {
        let encoded = text
            .split(' ')
            .find_map(|word| word.strip_prefix("sha512-"))?;
        Some(Self {
            algorithm: Algorithm::Sha512,
            hex: hex::encode(BASE64_STANDARD.decode(encoded).ok()?),
        })
    }

    /// Of bytes.
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let hex = match algorithm {
            Algorithm::Sha256 => hex::encode(Sha256::digest(bytes)),
            Algorithm::Sha512 => hex::encode(Sha512::digest(bytes)),
        };
        Self { algorithm, hex }
    }

    pub fn of_file(algorithm: Algorithm, path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(Error::io("read", path))?;
        Ok(Self::of(algorithm, &bytes))
    }
}

/// Lines of `sum  name`, sorted by name.
pub fn listing(folder: &Path, names: &[String]) -> Result<String> {
    let mut names: Vec<&String> = names.iter().collect();
    names.sort();
    let mut text = String::new();
    for name in names {
        let sum = Sum::of_file(Algorithm::Sha256, &folder.join(name))?;
        text += &format!("{}  {name}\n", sum.hex);
    }
    Ok(text)
}

/// Names and sums of a listing.
pub fn parse(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, name)| (name.to_owned(), sum.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, Sum};

    #[test]
    fn integrities_are_sums() {
        let text = "sha512-7iaw3Ur350mqGo7jwQrpkj9hiYB3Lkc/iBml1JQODbJ6wYX4oOHV+E+IvIh/1nsUNzLDBMxfqa2Ob1f1ACio/w==";
        assert_eq!(
            Sum::integrity(text),
            Some(Sum::of(Algorithm::Sha512, b"test"))
        );
        assert_eq!(Sum::integrity("sha1-qUqP5cyxm6YcTAhz05Hph5gvu9M="), None);
    }
}
