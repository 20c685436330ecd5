//! Why a person is asked.

use std::fmt;

/// Why no rule with a wildcard may allow a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It holds characters that show one thing and are another.
    Characters,
    /// The subject is not what the input itself says.
    NotTheInput,
    /// It is too long or too complicated to be looked into.
    TooMuch,
    /// A shell's grammar does not have it.
    Syntax,
    /// A command in a word.
    Substitution,
    /// A word that is known only when it runs.
    Expansion,
    /// It reads or writes a file beside its command.
    Redirection,
    /// It sets a variable.
    Assignment,
    /// What it runs comes with it as text.
    HereDocument,
    /// A comment that hides the end of a line.
    Comment,
    /// A line that goes on in the middle of a word.
    Continuation,
    /// A command that changes what the others mean.
    ShellChanger,
    /// A part of the shell's language that is not looked into.
    Construct,
    /// A path that climbs out, or is none.
    Path,
    /// Not a URL of which it is plain where it leads.
    Url,
}

impl Doubt {
    /// Whether it stays even where a pattern is the subject to the letter: what the person saw is then not what is done.
    #[must_use]
    pub const fn is_absolute(self) -> bool {
        matches!(self, Self::Characters | Self::NotTheInput)
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Characters => "it holds characters that are not what they look like",
            Self::NotTheInput => "its subject is not what its input says",
            Self::TooMuch => "it is too long or too complicated to be looked into",
            Self::Syntax => "it does not read as a command line",
            Self::Substitution => "it runs a command inside a word",
            Self::Expansion => "one of its words is known only when it runs",
            Self::Redirection => "it reads or writes a file by redirection",
            Self::Assignment => "it sets a variable",
            Self::HereDocument => "it carries a here-document",
            Self::Comment => "it has a comment behind a command",
            Self::Continuation => "a line of it goes on in the middle of a word",
            Self::ShellChanger => "one of its commands changes what the others mean",
            Self::Construct => "it uses a part of the shell's language that is not looked into",
            Self::Path => "it is no path that can be followed without asking the file system",
            Self::Url => "it is no URL of which it is plain where it leads",
        })
    }
}
