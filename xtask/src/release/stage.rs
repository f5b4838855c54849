//! How far a package is.

/// How far a package is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Its files are made, with sums, bill of materials and provenance.
    Packed,
    /// Its files were installed in an empty environment, and work there.
    Verified,
    /// Its registry took them.
    Uploaded,
    /// Its registry hands them out.
    Visible,
    /// The tag is where others fetch.
    Tagged,
    /// The notes are published.
    Announced,
}

impl Stage {
    /// All, in order.
    pub const ALL: [Self; 6] = [
        Self::Packed,
        Self::Verified,
        Self::Uploaded,
        Self::Visible,
        Self::Tagged,
        Self::Announced,
    ];

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Packed => "packed",
            Self::Verified => "verified",
            Self::Uploaded => "uploaded",
            Self::Visible => "visible",
            Self::Tagged => "tagged",
            Self::Announced => "announced",
        }
    }

    /// What has to be done to get there.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Packed => "pack",
            Self::Verified => "verify",
            Self::Uploaded => "upload",
            Self::Visible => "wait for",
            Self::Tagged => "tag",
            Self::Announced => "announce",
        }
    }
}
