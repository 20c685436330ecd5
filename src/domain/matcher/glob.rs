//! Wildcards: the parts of a pattern that stand for more than themselves.

/// One part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Itself.
    Literal(String),
    /// `*`: any run of characters.
    Star,
}

/// A text in which `*` stands for any run of characters and `\*` for a star.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    parts: Vec<Part>,
}

/// What a `*` may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Anything: where a rule denies or asks.
    Wide,
    /// Nothing that `forbidden` holds; at the start of the text no dot: where a rule allows.
    Narrow {
        /// Characters that no `*` stands for.
        forbidden: &'static [char],
    },
}

impl Glob {
    /// Nothing yet.
    pub(super) const fn empty() -> Self {
        Self { parts: Vec::new() }
    }

    /// Reads a pattern.
    pub(super) fn new(pattern: &str) -> Self {
        let mut glob = Self::empty();
        let mut rest = pattern;
        while let Some(at) = rest.find('*') {
            match rest[..at].strip_suffix('\\') {
                Some(before) => {
                    glob.push_text(before);
                    glob.push('*');
                }
                None => {
                    glob.push_text(&rest[..at]);
                    glob.push_star();
                }
            }
            rest = &rest[at + 1..];
        }
        glob.push_text(rest);
        glob
    }

    /// As a pattern says it.
    pub(super) fn source(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Literal(literal) => super::glob::escape(literal),
                Part::Star => "*".to_owned(),
            })
            .collect()
    }

    /// Adds a character that stands for itself.
    pub(super) fn push(&mut self, c: char) {
        if let Some(Part::Literal(literal)) = self.parts.last_mut() {
            literal.push(c);
        } else {
            self.parts.push(Part::Literal(c.to_string()));
        }
    }

    /// Adds a text that stands for itself.
    fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Literal(literal)) => literal.push_str(text),
            Some(Part::Star) | None if text.is_empty() => {}
            Some(Part::Star) | None => self.parts.push(Part::Literal(text.to_owned())),
        }
    }

    /// Adds a `*`; several in a row are one.
    pub(super) fn push_star(&mut self) {
        if self.parts.last() != Some(&Part::Star) {
            self.parts.push(Part::Star);
        }
    }

    /// The text, where no part stands for more than itself.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(literal)] => Some(literal),
            _ => None,
        }
    }

    /// The longest text in it that stands for itself.
    pub(super) fn longest_literal(&self) -> Option<&str> {
        let literals = self.parts.iter().filter_map(|part| match part {
            Part::Literal(literal) => Some(literal.as_str()),
            Part::Star => None,
        });
        literals.max_by_key(|literal| literal.len())
    }

    /// What it begins with, up to the first `*`.
    pub(super) fn literal_prefix(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(literal)) => literal,
            Some(Part::Star) | None => "",
        }
    }

    /// Whether it spells one of these characters.
    pub(super) fn has<const N: usize>(&self, characters: [char; N]) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Literal(literal) if literal.contains(characters)))
    }

    /// Whether it spells `text` somewhere, in one piece.
    pub(super) fn has_text(&self, text: &str) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Literal(literal) if literal.contains(text)))
    }

    /// Whether a blank is in it.
    pub(super) fn has_blank(&self) -> bool {
        self.has([' '])
    }

    /// Whether it is one `*` and nothing else.
    pub(super) fn is_star(&self) -> bool {
        self.parts == [Part::Star]
    }

    /// Whether it is `text`, from end to end. Each literal is searched for once: linear in `text` for a narrow reach, too,
    /// where what lies between two literals is looked at once more.
    pub(super) fn matches(&self, text: &str, reach: Reach) -> bool {
        let Some((last, parts)) = self.parts.split_last() else {
            return text.is_empty();
        };
        let mut rest = text;
        let mut after_star = false;
        for part in parts {
            match part {
                Part::Star => after_star = true,
                Part::Literal(literal) => {
                    let found =
                        if after_star { find(rest, literal, reach) } else { rest.starts_with(literal).then_some(0) };
                    let Some(at) = found.filter(|at| reach.covers(&rest[..*at], rest.len() == text.len())) else {
                        return false;
                    };
                    rest = &rest[at + literal.len()..];
                    after_star = false;
                }
            }
        }
        match last {
            Part::Star => reach.covers(rest, rest.len() == text.len()),
            Part::Literal(literal) if after_star => {
                rest.strip_suffix(literal.as_str()).is_some_and(|run| reach.covers(run, rest.len() == text.len()))
            }
            Part::Literal(literal) => rest == literal,
        }
    }
}

/// Where `literal` first is in `text`; beyond a forbidden character there is no need to look.
fn find(text: &str, literal: &str, reach: Reach) -> Option<usize> {
    let end = match reach {
        Reach::Wide => text.len(),
        // A literal may itself hold what no `*` stands for: it must begin no later than at the first such character.
        Reach::Narrow { forbidden } => {
            text.find(forbidden).map_or(text.len(), |at| (at + literal.len()).min(text.len()))
        }
    };
    text.get(..end).unwrap_or(text).find(literal)
}

impl Reach {
    /// Whether a `*` may stand for `run`, which is at the start of the text or not.
    fn covers(self, run: &str, at_start: bool) -> bool {
        match self {
            Self::Wide => true,
            Self::Narrow { forbidden } => {
                let is_hidden = at_start && run.starts_with('.');
                !is_hidden && !run.contains(forbidden)
            }
        }
    }
}

/// What no `*` stands for where the pattern is one address: what parts it from another, or leads over another host.
const ENDS_ADDRESS: Reach = Reach::Narrow {
    forbidden: &[
        '@', ',', ';', ':', '<', '>', '(', ')', '[', ']', '"', '\'', '\\', '%', '!', '/', '#', '?', '&', '=', '|', ' ',
        '\t', '\n', '\r',
    ],
};

/// The same where other words stand around it.
const PARTS_ADDRESSES: Reach =
    Reach::Narrow { forbidden: &['@', ',', ';', '<', '>', '"', '\\', '%', '!', '/', '#', '?', '\n', '\r'] };

/// What a `*` stands for in a text: where `pattern` spells an address with a wildcard in it (`*@example.com`) one address and
/// nothing beside it, else what `otherwise` says.
pub(super) fn reach_in_text(pattern: &str, otherwise: Reach) -> Reach {
    let is_address = |word: &str| {
        word.contains('*') && word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
    };
    let mut words = pattern.split_whitespace();
    match (words.next(), words.next()) {
        (Some(only), None) if is_address(only) => ENDS_ADDRESS,
        (Some(_), Some(_)) if pattern.split_whitespace().any(is_address) => PARTS_ADDRESSES,
        _ => otherwise,
    }
}

/// Words with which a statement of SQL begins.
const STATEMENTS: &[&str] = &[
    "alter", "begin", "call", "copy", "create", "declare", "delete", "describe", "drop", "exec", "explain", "grant",
    "insert", "merge", "pragma", "replace", "select", "set", "show", "truncate", "update", "values", "with",
];

/// Whether `text` has more statements of SQL than `pattern`, which is one or several, says.
pub(super) fn has_more_statements(pattern: &str, text: &str) -> bool {
    let first = |text: &str| text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    let ends =
        |text: &str| text.trim_end_matches([';', ' ', '\t', '\n', '\r']).matches([';', '\u{37e}', '\u{ff1b}']).count();
    let is_statement = |line: &str| STATEMENTS.contains(&first(line).as_str());
    // Some servers end one with a line, too.
    let lines = |text: &str| text.lines().skip(1).filter(|line| is_statement(line) || first(line) == "go").count();
    is_statement(pattern) && (ends(text) > ends(pattern) || lines(text) > lines(pattern))
}

/// The pattern that covers `text` to the letter.
pub(super) fn escape(text: &str) -> String {
    text.replace('*', "\\*")
}
