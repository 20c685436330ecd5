//! How the words of a query are looked for.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Shell;
use crate::domain::query::folded;
use crate::store::query_sql::contained_in;

/// That a column has a text in it, capitals or not, with what a `%` says before and after it. LIKE knows the letters of ASCII alone:
/// for others a pattern of another kind is told how each of them is spelled.
pub(super) fn alike(shell: Shell, column: &str, before: &str, text: &str, after: &str) -> String {
    if text.is_ascii() {
        let pattern = shell.literal(&format!("{before}{}{after}", contained_in(text)));
        return format!("{column} LIKE {pattern} ESCAPE '\\'");
    }
    let (operator, [any_before, none_before], [any_after, none_after]) = match shell {
        Shell::Sqlite3 => ("GLOB", ["*", ""], ["*", ""]),
        Shell::Psql => ("~", ["", "^"], ["", "$"]),
    };
    let letters: String = folded(text).chars().map(|letter| spelled(shell, letter)).collect();
    let before = if before.is_empty() { none_before } else { any_before };
    let after = if after.is_empty() { none_after } else { any_after };
    format!("{column} {operator} {}", shell.literal(&format!("{before}{letters}{after}")))
}

/// A letter as the pattern compares it: all its spellings, and nothing that means anything else.
fn spelled(shell: Shell, letter: char) -> String {
    match (SPELLINGS.get(&letter), shell) {
        (Some(spellings), _) => format!("[{}]", spellings.iter().collect::<String>()),
        (None, Shell::Sqlite3) if ['*', '?', '['].contains(&letter) => format!("[{letter}]"),
        (None, Shell::Psql) if letter.is_ascii_punctuation() => format!("\\{letter}"),
        (None, Shell::Sqlite3 | Shell::Psql) => letter.to_string(),
    }
}

/// The letters that are not written in one way alone, as [`folded`] writes them, with all their spellings.
static SPELLINGS: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut spellings: HashMap<char, Vec<char>> = HashMap::new();
    for spelling in ('\u{0}'..=char::MAX).filter(|c| !c.is_whitespace() && !c.is_control()) {
        let mut letters = folded(spelling.encode_utf8(&mut [0; 4])).chars().collect::<Vec<_>>().into_iter();
        if let (Some(letter), None) = (letters.next(), letters.next())
            && letter != spelling
        {
            spellings.entry(letter).or_insert_with(|| vec![letter]).push(spelling);
        }
    }
    spellings
});

/// Every text of a body that is searched, for `sqlite3` and for `psql`.
const TEXTS: [&str; 2] = [
    "interaction_bodies AS b, json_tree(b.body) AS part WHERE b.interaction_id = i.interaction_id
      AND part.key IN ('subject', 'reason', 'workingDir', 'service', 'field', 'label', 'description', 'purpose', 'header', 'text')
      AND (part.path = '$' OR part.path GLOB '$.entries*[0-9]]')",
    "interaction_bodies AS b, LATERAL (
        SELECT json_extract(b.body, '$.' || key) FROM unnest(ARRAY['subject', 'reason', 'workingDir', 'service', 'field', 'label', 'description', 'purpose']) AS key
        UNION ALL SELECT json_extract(entry.value, '$.' || key) FROM json_each(json_extract(b.body, '$.entries')) AS entry, unnest(ARRAY['header', 'text']) AS key
        UNION ALL SELECT json_extract(option.value, '$.' || key) FROM json_each(json_extract(b.body, '$.entries')) AS entry,
          json_each(json_extract(entry.value, '$.options')) AS option, unnest(ARRAY['label', 'description']) AS key
      ) AS part (value) WHERE b.interaction_id = i.interaction_id",
];

/// Every text of where an interaction comes from, for the one and the other.
const ORIGIN: [&str; 2] = [
    "interaction_bodies AS b, json_each(b.origin) AS part WHERE b.interaction_id = i.interaction_id",
    "interaction_bodies AS b, unnest(ARRAY['client', 'sessionId', 'repository', 'branch', 'workingDir', 'host', 'model', 'title']) AS key,
      json_extract(b.origin, '$.' || key) AS part (value) WHERE b.interaction_id = i.interaction_id",
];

/// What is written for the one shell or the other.
const fn of(shell: Shell, [sqlite3, psql]: [&'static str; 2]) -> &'static str {
    match shell {
        Shell::Sqlite3 => sqlite3,
        Shell::Psql => psql,
    }
}

/// That a word is in the texts of an interaction, or begins one of its names.
pub(super) fn has_word(shell: Shell, text: &str) -> String {
    let within = |column: &str| alike(shell, column, "%", text, "%");
    let begins = |column: &str| alike(shell, column, "", text, "%");
    let names = ["request_id", "registered_by", "coalesce(conversation_id, '')"].map(begins).join(" OR ");
    format!(
        "{names} OR {}
    OR EXISTS (SELECT 1 FROM {}
      AND {})
    OR EXISTS (SELECT 1 FROM {}
      AND {})
    OR EXISTS (SELECT 1 FROM texts AS t WHERE t.interaction_id = i.interaction_id AND t.about = 'resolution'
      AND {})",
        within("coalesce(tool_name, '')"),
        of(shell, TEXTS),
        within("substr(part.value, 1, 512)"),
        of(shell, ORIGIN),
        within("part.value"),
        within("substr(json_extract(t.text, '$.comment'), 1, 512)"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::in_memory;

    /// What is copied finds what the page shows, whatever letters it is written in.
    #[test]
    fn letters_beyond_ascii_are_compared_in_all_their_spellings() {
        let conn = in_memory::database();
        let is_alike = |text: &str, value: &str| {
            let sql = format!("SELECT {} FROM (SELECT ?1 AS v)", alike(Shell::Sqlite3, "v", "", text, "%"));
            conn.query_row(&sql, [value], |row| row.get::<_, bool>(0)).unwrap()
        };
        for (text, value, is_it) in [
            ("über", "ÜBERSICHT", true),
            ("ÜBER", "übersicht", true),
            ("über", "Uber", false),
            ("ночь", "НОЧЬ", true),
            ("ς", "Σ", true),
            ("ü*", "ÜX", false),
            ("ü*[?", "Ü*[?x", true),
            ("ß", "ẞ", true),
            ("k\u{e9}", "\u{212a}É", true),
            ("日本", "日本語", true),
            ("plain_", "PLAINx", false),
            ("plain_", "PLAIN_x", true),
        ] {
            assert_eq!(is_alike(text, value), is_it, "{text} {value}");
        }
    }

    #[test]
    fn a_regular_expression_means_the_letters_alone() {
        assert_eq!(alike(Shell::Psql, "v", "%", "\u{fc}*[?", ""), "v ~ '[\u{fc}\u{dc}]\\*\\[\\?$'");
        assert_eq!(alike(Shell::Psql, "v", "", "\u{fc}", "%"), "v ~ '^[\u{fc}\u{dc}]'");
    }
}
