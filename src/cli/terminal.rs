//! What a person types.

use std::io::{self, BufRead, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::Failure;
use super::interrupt::{Heard, Interrupts};

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Unseen {
    before: Termios,
}

impl Unseen {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut unseen = before.clone();
        unseen.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &unseen)?;
        Ok(Self { before })
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // There is no other way back where this one fails.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
        let _ = writeln!(io::stderr());
    }
}

/// A line typed at the terminal without echo, which comes back whatever ends this.
pub(super) fn hidden_line(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let interrupts = Interrupts::new()?;
    let unseen = Unseen::begin()?;
    write!(io::stderr(), "{prompt}")?;
    interrupts.start(|| {
        let mut line = Zeroizing::new(String::new());
        io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let heard = interrupts.next()?;
    drop(unseen);
    match heard {
        Heard::Done(line) => Ok(line?),
        Heard::Signal(_) => Err(Failure::Interrupted("interrupted; nothing was given".to_owned())),
    }
}

/// A line typed at the terminal; `None` at its end.
pub(super) fn line(prompt: &str) -> io::Result<Option<String>> {
    write!(io::stderr(), "{prompt}")?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim().to_owned()))
}
