//! `meshgate hash-password`

use std::io::{self, IsTerminal, Read, Write};

use clap::Args;

use crate::error::{Error, Result};

/// Make the hash of a password, for `users.yaml`.
///
/// The password is read from the terminal, unseen and twice, or from standard input.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  meshgate hash-password
  printf %s \"$PASSWORD\" | meshgate hash-password")]
pub(crate) struct Arguments {}

/// Prints an argon2id hash in PHC format.
pub(crate) fn run(Arguments {}: Arguments) -> Result<()> {
    let password = if io::stdin().is_terminal() { from_terminal()? } else { from_pipe(&mut io::stdin().lock())? };
    if password.is_empty() {
        return Err(Error::Usage("the password is empty".to_owned()));
    }
    let hash = meshgate_flight::hash_password(&password)
        .map_err(|error| Error::Usage(format!("the password can't be hashed: {error}")))?;
    writeln!(io::stdout().lock(), "{hash}").map_err(Error::io("write the hash"))
}

fn from_terminal() -> Result<String> {
    let ask = |prompt| rpassword::prompt_password(prompt).map_err(Error::io("read the password"));
    let password = ask("Password: ")?;
    if ask("Again: ")? == password { Ok(password) } else { Err(Error::Usage("the two passwords differ".to_owned())) }
}

/// All of the input but the line end that a shell adds.
fn from_pipe(input: &mut dyn Read) -> Result<String> {
    let mut text = String::new();
    input.read_to_string(&mut text).map_err(Error::io("read the password"))?;
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.contains('\n') {
        return Err(Error::Usage("the password has more than one line".to_owned()));
    }
    Ok(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_not_part_of_the_password() {
        assert_eq!(from_pipe(&mut "se cret \n".as_bytes()).unwrap(), "se cret ");
        assert_eq!(from_pipe(&mut "secret\r\n".as_bytes()).unwrap(), "secret");
        assert_eq!(from_pipe(&mut "secret".as_bytes()).unwrap(), "secret");
        assert!(from_pipe(&mut "one\ntwo\n".as_bytes()).is_err());
    }
}
