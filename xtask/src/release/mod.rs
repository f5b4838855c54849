//! Releases: packages of every ecosystem, uploaded, tagged and announced, as a loop that makes what is into what should be.
//!
//! ```text
//! unit      what is released, in order        observe   what registries, git and the ledger say
//! plan      what is left to do (pure)         engine    does it: phases and threads
//! upload    one file or text, until it is there   retry     what a failure means
//! effects   the only code that changes        channel   one file per ecosystem and its registry
//! ledger    packed bytes, a hint              sbom, provenance   files that go with a package
//! ```
//!
//! Nothing is remembered that cannot be asked again: a run that was killed anywhere is finished by the same command.

pub mod channel;
pub mod curl;
pub mod effects;
pub mod engine;
pub mod git;
pub mod ledger;
pub mod observe;
pub mod pack;
pub mod plan;
pub mod provenance;
pub mod retry;
pub mod sbom;
pub mod secrets;
pub mod store;
pub mod sums;
pub mod targets;
pub mod unit;
pub mod upload;
pub mod verify;

pub use unit::Unit;

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
