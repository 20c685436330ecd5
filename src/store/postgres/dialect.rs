//! The store's statements are written for SQLite: the same in the dialect of PostgreSQL.

/// Words that mean the same in the two dialects, as the store's statements use them.
const WORDS: [(&str, &str); 4] = [
    // To SQLite it says in which order tables are read.
    ("CROSS JOIN ", "JOIN "),
    // It keeps SQLite from an index, and PostgreSQL has no such sign for text.
    ("+i.", "i."),
    ("instr(", "strpos("),
    // SQLite's LIKE is blind to the case of ASCII letters; so is this one, since all columns have the collation "C".
    (" LIKE ", " ILIKE "),
];

/// A statement with places `$1`, `$2` … in the stead of `?1` or `?`, and with PostgreSQL's words. Between quotes nothing is
/// another.
pub(in crate::store) fn translated(statement: &str) -> String {
    let mut translated = String::with_capacity(statement.len() + 16);
    let (mut rest, mut places) = (statement, 0_usize);
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let end = rest[1..].find('\'').map_or(rest.len(), |end| end + 2);
            translated.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if first == '?' {
            let digits = rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - 1);
            places += 1;
            translated.push('$');
            match &rest[1..=digits] {
                "" => translated.push_str(&places.to_string()),
                number => translated.push_str(number),
            }
            rest = &rest[1 + digits..];
        } else if let Some((here, there)) = WORDS.iter().find(|(here, _)| rest.starts_with(here)) {
            translated.push_str(there);
            rest = &rest[here.len()..];
        } else {
            translated.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    translated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered_and_what_is_between_quotes_stays() {
        for (here, there) in [
            ("SELECT 1 WHERE a = ?1 AND b = ?12", "SELECT 1 WHERE a = $1 AND b = $12"),
            ("SELECT 1 WHERE a = ? AND b IN (?, ?) LIMIT ?", "SELECT 1 WHERE a = $1 AND b IN ($2, $3) LIMIT $4"),
            ("SELECT '?1 LIKE ''?'' ' || ?1", "SELECT '?1 LIKE ''?'' ' || $1"),
            (
                "a CROSS JOIN b USING (c) WHERE +i.d LIKE ? ESCAPE '\\'",
                "a JOIN b USING (c) WHERE i.d ILIKE $1 ESCAPE '\\'",
            ),
            ("instr(lower(a), lower(?)) > 0", "strpos(lower(a), lower($1)) > 0"),
            ("", ""),
            ("'", "'"),
            ("é?", "é$1"),
        ] {
            assert_eq!(translated(here), there);
        }
    }
}
