//! Changes of lines.

use std::collections::BTreeSet;

use crate::seeded_rng::SeededRng;

/// What means something to a shell.
const META: &[&str] = &[
    ";",
    "&",
    "|",
    "&&",
    "||",
    "|&",
    "\n",
    "(",
    ")",
    "<",
    ">",
    ">>",
    "2>&1",
    ">/dev/null",
    "$(",
    "`",
    "${",
    "{",
    "}",
    "!",
    "#",
    "\\",
    "\\\n",
    "'",
    "\"",
    "$'",
    "*",
    "?",
    "[",
    "]",
    "~",
    "=",
    ",",
    "\r",
    "\t",
    " ",
    "-",
    "--",
    "$HOME",
    "\"$HOME\"",
    "$x",
    "\"$x\"",
    "if",
    "then",
    "fi",
    "do",
    "done",
    "time",
    "A=b",
    "CI=1",
    "{a,b}",
    "{1..3}",
    "EOF",
    "<<'EOF'\n",
    "\nEOF\n",
    "; CANARY",
    "\nCANARY",
    "| CANARY",
    "&& CANARY",
    "$(CANARY)",
    "\"$(CANARY)\"",
    "`CANARY`",
    "<(CANARY)",
    "CANARY",
    "$((CANARY))",
    "> written",
    ">written",
    "timeout 5",
    "xargs",
    "env",
    "-exec CANARY ;",
    "--exec=CANARY",
    "-c CANARY",
    "@",
    "+x",
    "\u{a0}",
];

/// Where the pieces of changes come from.
pub(super) struct Mutations<'l> {
    lines: Vec<&'l str>,
    options: Vec<&'static str>,
}

impl<'l> Mutations<'l> {
    pub(super) fn new(lines: impl Iterator<Item = &'l str>) -> Self {
        let table = include_str!("../../../src/domain/matcher/programs/permitted.txt");
        let tricks = include_str!("../../../src/domain/matcher/programs/options.txt");
        let tokens = table.split_ascii_whitespace().chain(tricks.split_ascii_whitespace());
        let names = tokens.flat_map(|token| token.split(['=', ',', '?']));
        let options = names.filter(|name| name.starts_with('-') && name.len() > 1).collect::<BTreeSet<_>>();
        Self { lines: lines.collect(), options: options.into_iter().collect() }
    }

    /// `line` with one to four changes.
    pub(super) fn changed(&self, line: &str, rng: &mut SeededRng) -> String {
        let mut line = line.to_owned();
        for _ in 0..=rng.below(4) {
            line = self.change(&line, rng);
        }
        line
    }

    fn change(&self, line: &str, rng: &mut SeededRng) -> String {
        let mut words = line.split(' ').collect::<Vec<_>>();
        let at = rng.below(words.len());
        let other = rng.pick(&self.lines);
        let others = other.split(' ').collect::<Vec<_>>();
        match rng.below(11) {
            0 => words.insert(at, words[at]),
            1 if words.len() > 1 => {
                words.remove(at);
            }
            2 => {
                let with = rng.below(words.len());
                words.swap(at, with);
            }
            3 => words.insert(at + 1, rng.pick(META)),
            4 => words.insert(at + 1, rng.pick(&self.options)),
            5 => words.insert(at + 1, others[rng.below(others.len())]),
            6 => words.extend([rng.pick(&["&&", ";", "|", "||", "\n"]), other]),
            7 => words[at] = others[rng.below(others.len())],
            8 => return in_a_word(line, rng.pick(META), rng),
            9 => return in_a_word(line, "", rng),
            _ => {
                let quote = rng.pick(&["'", "\""]);
                let quoted = format!("{quote}{}{quote}", words[at]);
                words[at] = &quoted;
                return words.join(" ");
            }
        }
        words.join(" ")
    }
}

/// `piece` in the place of one character, or between two.
fn in_a_word(line: &str, piece: &str, rng: &mut SeededRng) -> String {
    let places = line.char_indices().map(|(at, c)| (at, c.len_utf8())).collect::<Vec<_>>();
    let Some((at, length)) = (!places.is_empty()).then(|| places[rng.below(places.len())]) else {
        return piece.to_owned();
    };
    let after = if piece.is_empty() || rng.percent(20) { at + length } else { at };
    format!("{}{piece}{}", &line[..at], &line[after..])
}

/// Words as lines that mean just them, in each kind of quotes: there are texts that one of them makes too much to be looked into.
pub(super) fn quoted(words: &[String]) -> [String; 2] {
    let is_plain =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_./:-+@%,".contains(c));
    let single = |word: &str| format!("'{}'", word.replace('\'', "'\\''"));
    let double = |word: &str| {
        let mut escaped = word.replace('\\', "\\\\");
        for special in ['$', '`', '"'] {
            escaped = escaped.replace(special, &format!("\\{special}"));
        }
        format!("\"{escaped}\"")
    };
    let line = |quote: &dyn Fn(&str) -> String| {
        let quoted = words.iter().map(|word| if is_plain(word) { word.clone() } else { quote(word) });
        quoted.collect::<Vec<_>>().join(" ")
    };
    [line(&single), line(&double)]
}
