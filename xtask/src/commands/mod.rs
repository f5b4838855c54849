//! The subcommands: a file each, named in the two lists below. What several of them share is in `shared`.

mod bench;
mod build;
mod bump;
mod cache;
mod ci;
mod codegen;
mod completions;
mod core;
mod dev;
mod doctor;
mod e2e;
mod fmt;
mod image;
mod lint;
mod release;
mod setup;
pub mod shared;
mod template;
mod test;
mod version;

use shared::session::Session;

use crate::error::Result;

/// Each module has `Args`, whose doc comment is the help, and `run`.
macro_rules! commands {
    ($($name:ident($module:ident)),* $(,)?) => {
        #[derive(Debug, clap::Subcommand)]
        pub enum Command {
            $($name(Box<$module::Args>)),*
        }

        impl Command {
            /// # Errors
            /// What the subcommand fails with.
            pub fn run(&self, session: &mut Session) -> Result<()> {
                match self {
                    $(Self::$name(args) => $module::run(session, args)),*
                }
            }
        }
    };
}

// In the order of the help.
commands! {
    Setup(setup),
    Doctor(doctor),
    Test(test),
    Lint(lint),
    Fmt(fmt),
    Build(build),
    Dev(dev),
    E2e(e2e),
    Template(template),
    Image(image),
    Bench(bench),
    Core(core),
    Codegen(codegen),
    Version(version),
    Bump(bump),
    Release(release),
    Ci(ci),
    Cache(cache),
    Completions(completions),
}

impl Command {
    /// Whether this replaces the choice of a Tasker Core: the old one may be broken, so it is not read.
    pub fn replaces_core(&self) -> bool {
        matches!(self, Self::Core(args) if args.replaces_choice())
    }
}
