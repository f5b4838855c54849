//! The migrations are part of the program: a new file is a reason to compile it again.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
