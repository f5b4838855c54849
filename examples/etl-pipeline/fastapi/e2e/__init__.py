"""What `cargo xtask e2e --chaos` runs."""
