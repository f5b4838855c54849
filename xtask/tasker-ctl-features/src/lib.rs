//! No code: the manifest is what counts.
