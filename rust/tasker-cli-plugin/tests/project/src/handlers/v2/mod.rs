//! Step handlers of a second module.

@EACH src/handlers/v2/*.rs: pub mod {name};
