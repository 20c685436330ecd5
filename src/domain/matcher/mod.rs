//! What a pattern means. docs/reference/patterns.md says it to people who make rules; this is how it is done.
//!
//! A [`Subject`] is taken apart once, a [`CompiledPattern`] is read once, and then they are compared:
//!
//! | module | what it is |
//! | --- | --- |
//! | `subject` | what a confirmation's subject is, and what else its input says |
//! | `members` | what a rule says of the members beside the subject |
//! | `parse`, `line_walk`, `command_line`, `word` | a command line: the grammar's tree, its simple commands, their words without quotes |
//! | `harmless` | what in a line is no command and needs no look |
//! | `nested` | what a line runs beside that: behind wrappers, and in texts that a shell reads |
//! | `permitted`, `permits`, `tricks`, `danger` | which options of which programs are known to be harmless, and which words need a look |
//! | `operands`, `targets`, `hosts`, `tasks`, `queries` | which words that are no options write, lead away, run or read more |
//! | `programs`, `names` | the tables, and what programs and subcommands are called else |
//! | `scripts`, `sed`, `awk`, `computed` | programs for sed and awk, and words that a shell computes |
//! | `document` | texts that come with a command |
//! | `place`, `private` | where each command of a line runs, and where nothing is written that nobody has spelled |
//! | `path`, `url`, `components`, `glob` | everything that is compared piece by piece |
//! | `characters` | characters that show one thing and are another |
//! | `compiled`, `command_pattern`, `word_pattern` | the other side: patterns |
//! | `index` | which of many patterns are worth comparing |
//! | `offers` | patterns for people to choose from |
//! | `tokens` | what the parts of a line are, for colours |
//! | `signs` | plain facts about what a call does, which decide nothing |
//! | `doubt`, `why` | why a person is asked: what is doubtful, and the word that a pattern does not cover |
//! | `never` | why a pattern never matches |
//!
//! Two questions are asked, and they fail to opposite sides. *Does this allow it?* is yes only for what is understood whole.
//! *Is this what that rule denies or asks about?* is yes for whatever a line runs, and *possible* for what it may.

mod awk;
pub(in crate::domain) mod characters;
mod command_line;
mod command_pattern;
mod compiled;
mod components;
mod computed;
mod danger;
mod document;
mod doubt;
mod glob;
mod harmless;
mod hosts;
mod index;
mod line_walk;
mod members;
mod names;
mod nested;
mod never;
mod offers;
mod operands;
mod parse;
mod path;
mod permits;
mod permitted;
mod place;
mod private;
mod programs;
mod queries;
mod scripts;
mod sed;
mod signs;
mod subject;
mod targets;
mod tasks;
mod tokens;
mod tricks;
mod url;
mod why;
mod word;
mod word_pattern;

pub use self::compiled::CompiledPattern;
pub use self::doubt::Doubt;
pub use self::never::{NeverMatches, missed_line, never_matches};
pub use self::offers::OfferFault;
pub use self::signs::{Found, NOT_PLAIN, Sign, Signs};
pub use self::subject::Subject;
pub use self::tokens::{Token, TokenKind, shell_tokens};

pub(super) use self::command_pattern::Likeness;
pub(super) use self::index::Index;
pub(super) use self::path::Path;
pub(super) use self::place::Step;
pub(super) use self::why::{Distance, ELSEWHERE, PatternGap, quoted};
use super::pattern::{Pattern, Scope};
