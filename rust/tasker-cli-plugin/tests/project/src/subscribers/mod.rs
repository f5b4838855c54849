//! Subscribers.

@EACH src/subscribers/*.rs: pub mod {name};
