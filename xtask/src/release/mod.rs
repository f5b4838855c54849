//! Releases: packages of every ecosystem, uploaded, tagged and announced, as a loop that makes what is into what should be.
//!
//! ```text
//! units     what is released, in order        observe   what registries, git and the ledger say
//! plan      what is left to do (pure)         engine    does it: phases and threads
//! upload    one file or text, until it is there   retry     what a failure means
//! ledger    packed bytes, a hint              sbom, provenance   files that go with a package
//! ```
//!
//! Nothing is remembered that cannot be asked again: a run that was killed anywhere is finished by the same command.

pub mod engine;
pub mod git;
pub mod ledger;
pub mod observe;
pub mod pack;
pub mod plan;
pub mod provenance;
pub mod retry;
pub mod sbom;
pub mod stage;
pub mod units;
pub mod upload;
pub mod verify;

pub use stage::Stage;
