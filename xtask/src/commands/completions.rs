//! `completions`: scripts for shells, printed.

use std::io::Write as _;

use clap_complete::Shell as Generator;

use super::shared::session::Session;
use crate::error::{Error, Result};

/// Print a script that completes `cargo xtask …` in a shell.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  source <(cargo xtask completions bash)\n  cargo xtask completions fish > ~/.config/fish/conf.d/xtask.fish"
)]
pub struct Args {
    /// The shell.
    shell: Shell,
}

/// Shells that can be completed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Shell {
    /// GNU Bash.
    Bash,
    /// Z shell.
    Zsh,
    /// fish.
    Fish,
}

/// Completes the words after `cargo xtask` as if they were those after `xtask`; everything else stays with cargo's own completion.
const BASH: &str = r#"
_cargo_or_xtask() {
    if [[ ${COMP_WORDS[1]} == xtask && $COMP_CWORD -gt 1 ]]; then
        COMP_WORDS=("${COMP_WORDS[@]:1}")
        COMP_CWORD=$((COMP_CWORD - 1))
        _xtask xtask "$2" "$3"
    elif [[ -n ${_xtask_cargo:-} ]]; then
        "$_xtask_cargo" "$@"
    fi
}
_xtask_cargo=$(complete -p cargo 2>/dev/null | sed -nE 's/.*-F ([^ ]+).*/\1/p')
[[ $_xtask_cargo == _cargo_or_xtask ]] && _xtask_cargo=
complete -F _cargo_or_xtask -o bashdefault -o default cargo
"#;

const ZSH: &str = r#"
_cargo_or_xtask() {
    if [[ ${words[2]} == xtask && $CURRENT -gt 2 ]]; then
        shift words
        (( CURRENT -= 1 ))
        _xtask "$@"
    elif [[ -n $_xtask_cargo ]]; then
        $_xtask_cargo "$@"
    fi
}
[[ ${_comps[cargo]} != _cargo_or_xtask ]] && _xtask_cargo=${_comps[cargo]}
compdef _cargo_or_xtask cargo
"#;

const FISH: &str = r#"
function __cargo_xtask_complete
    set -l words (commandline -opc) (commandline -ct)
    complete -C "xtask "(string join ' ' -- $words[3..])
end
complete -c cargo -n 'set -l words (commandline -opc); test "$words[2]" = xtask' -f -a '(__cargo_xtask_complete)'
"#;

/// Runs the command.
pub fn run(session: &Session, args: &Args) -> Result<()> {
    let (generator, more) = match args.shell {
        Shell::Bash => (Generator::Bash, BASH),
        Shell::Zsh => (Generator::Zsh, ZSH),
        Shell::Fish => (Generator::Fish, FISH),
    };
    let mut command = (session.command_line)().bin_name("xtask").name("xtask");
    let mut script = Vec::new();
    clap_complete::generate(generator, &mut command, "xtask", &mut script);
    script.extend(more.as_bytes());
    match std::io::stdout().write_all(&script) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::io("write", "standard output")(error))
        }
        _ => Ok(()),
    }
}
