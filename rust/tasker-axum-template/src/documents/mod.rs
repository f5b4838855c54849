//! Documents: what is read from them, what is stored of them, and the scanner.

pub mod content;
pub mod scanner;
pub mod store;
