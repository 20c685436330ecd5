//! What a person types.

use std::io::{self, BufRead, IsTerminal, Write};

use rustix::io::ioctl_fionread;
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

/// How terminals mark what is pasted, once they are asked to: where it begins and where it ends.
const PASTE: (&str, &str) = ("\u{1b}[200~", "\u{1b}[201~");

/// Asks the terminal to mark what is pasted, until this is dropped.
struct MarkedPaste;

impl MarkedPaste {
    fn begin() -> io::Result<Option<Self>> {
        if !io::stderr().is_terminal() {
            return Ok(None);
        }
        write!(io::stderr(), "\u{1b}[?2004h")?;
        Ok(Some(Self))
    }
}

impl Drop for MarkedPaste {
    fn drop(&mut self) {
        // Where this fails the terminal is gone.
        let _ = write!(io::stderr(), "\u{1b}[?2004l");
    }
}

/// A value typed or pasted at the terminal without echo, which comes back whatever ends this: a line, or all the lines of
/// what was pasted.
pub(super) fn hidden_value(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let interrupts = Interrupts::new()?;
    let unseen = Unseen::begin()?;
    let marked = MarkedPaste::begin()?;
    write!(io::stderr(), "{prompt}")?;
    interrupts.start(read_value);
    let heard = interrupts.next()?;
    drop(marked);
    drop(unseen);
    match heard {
        Heard::Done(value) => Ok(value?),
        Heard::Signal(_) => Err(Failure::Interrupted("interrupted; nothing was given".to_owned())),
    }
}

/// A line, and more where that was not all of what was pasted: a terminal gives a program one line at a time.
fn read_value() -> io::Result<Zeroizing<String>> {
    let mut value = Zeroizing::new(String::new());
    let mut stdin = io::stdin().lock();
    loop {
        let is_over = stdin.read_line(&mut value)? == 0;
        let is_in_paste = value.contains(PASTE.0) && !value.contains(PASTE.1);
        if is_over || !(is_in_paste || ioctl_fionread(io::stdin())? > 0) {
            break;
        }
    }
    if !value.contains(PASTE.0) {
        return Ok(value);
    }
    // The key that ends it is no part of what was pasted.
    let typed = value.strip_suffix('\n').unwrap_or(&value);
    let without_begin = Zeroizing::new(typed.replace(PASTE.0, ""));
    Ok(Zeroizing::new(without_begin.replace(PASTE.1, "")))
}

/// A line typed at the terminal; `None` at its end.
pub(super) fn line(prompt: &str) -> io::Result<Option<String>> {
    write!(io::stderr(), "{prompt}")?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim().to_owned()))
}
