//! Texts that come with a command as they are written: here-documents whose delimiter stands in quotes.

/// The text of `"$(cat <<'EOF' … EOF )"`, the way to write a long text as one word. Shells of long ago looked for the end of
/// it without knowing here-documents, so it must be the same for them.
pub(super) fn text(word: &str) -> Option<String> {
    let document = word.strip_prefix("\"$(cat ")?.strip_suffix(")\"")?;
    let (body, after) = taken_apart(document)?;
    let is_plain = !body.contains(['\'', '"', '`', '\\', '$'])
        && (is_balanced(body) && !body.contains('#') || !body.contains(['(', ')']));
    (is_plain && after.chars().all(|c| matches!(c, ' ' | '\t' | '\n')) && after.starts_with('\n'))
        .then(|| body.trim_end_matches('\n').to_owned())
}

/// Whether `document` is one here-document from its operator to its end, and nothing else stands in its first line.
pub(super) fn is_whole(document: &str) -> bool {
    taken_apart(document).is_some_and(|(_, after)| after.is_empty() || after == "\n")
}

/// The text of a here-document, and what follows its last line.
fn taken_apart(document: &str) -> Option<(&str, &str)> {
    let (delimiter, rest) =
        document.strip_prefix("<<")?.trim_start_matches(' ').strip_prefix('\'')?.split_once("'\n")?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if delimiter.is_empty() || !delimiter.chars().all(is_name) {
        return None;
    }
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.strip_suffix('\n').unwrap_or(line) == delimiter {
            return Some((&rest[..at], &rest[at + delimiter.len()..]));
        }
        at += line.len();
    }
    None
}

/// Whether every parenthesis closes one.
fn is_balanced(text: &str) -> bool {
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return false,
            ')' => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_quotes_is_known() {
        for (word, found) in [
            ("\"$(cat <<'EOF'\na\nb (c)\nEOF\n)\"", "a\nb (c)"),
            ("\"$(cat <<'EOF'\n# a\n\nEOF\n  )\"", "# a"),
            ("\"$(cat << 'X_1'\nEOF\nX_1\n)\"", "EOF"),
        ] {
            assert_eq!(text(word).as_deref(), Some(found), "{word}");
        }
        for word in [
            "\"$(cat <<EOF\na\nEOF\n)\"",
            "\"$(cat <<'EOF'\na\nEOF\n; id)\"",
            "\"$(cat <<'EOF' | sh\na\nEOF\n)\"",
            "\"$(cat <<'EOF'\na)\nEOF\n)\"",
            "\"$(cat <<'EOF'\n# (a)\nEOF\n)\"",
            "\"$(cat <<'EOF'\nit's\nEOF\n)\"",
            "\"$(cat <<'EOF'\nEOF\nid\nEOF\n)\"",
            "\"$(cat <<'EOF'\na\nEOF)\"",
            "\"$(sh <<'EOF'\na\nEOF\n)\"",
            "$(cat <<'EOF'\na\nEOF\n)",
        ] {
            assert_eq!(text(word), None, "{word}");
        }
    }

    #[test]
    fn a_here_document_ends_with_its_delimiter() {
        assert!(is_whole("<<'EOF'\na $(id)\nEOF"));
        for document in
            ["<<EOF\na\nEOF", "<<'EOF' | sh\na\nEOF", "<<'EOF'\na\nEOF\nid", "<<-'EOF'\na\nEOF", "<<'EOF'\na\n"]
        {
            assert!(!is_whole(document), "{document}");
        }
    }
}
