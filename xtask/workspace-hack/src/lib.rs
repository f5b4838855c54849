//! No code: the manifest is what counts. See `.config/hakari.toml`.
