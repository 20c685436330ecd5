//! What the parts of a line of shell are, for a person who reads it: for colours, and for nothing that is decided.

use std::ops::Range;

use tree_sitter::Node;

use super::line_walk::each_node;
use super::parse;

/// What a part of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// The program of a command.
    Program,
    /// A word that begins with a dash.
    Option,
    /// A text in quotes, or a here-document.
    String,
    /// A variable, where it is set or used.
    Variable,
    /// What joins commands, leads their input and output elsewhere, or is a word of the shell's language.
    Operator,
    /// A comment.
    Comment,
}

/// A part of a text, in bytes, and what it is.
pub type Token = (Range<usize>, TokenKind);

/// Keywords of the shell's language, and what joins commands.
const OPERATORS: &[&str] = &[
    ";",
    ";;",
    "&",
    "&&",
    "|",
    "||",
    "|&",
    "!",
    "(",
    ")",
    "((",
    "))",
    "{",
    "}",
    "[",
    "]",
    "[[",
    "]]",
    "<",
    ">",
    "<<",
    "<<-",
    "<<<",
    ">>",
    ">|",
    "&>",
    "&>>",
    ">&",
    "<&",
    "$(",
    "<(",
    ">(",
    "`",
    "=",
    "+=",
    "if",
    "then",
    "elif",
    "else",
    "fi",
    "for",
    "in",
    "do",
    "done",
    "while",
    "until",
    "case",
    "esac",
    "function",
    "select",
    "export",
    "declare",
    "local",
    "readonly",
    "typeset",
    "unset",
    "test_operator",
    "file_descriptor",
    "heredoc_start",
    "heredoc_end",
];

/// The parts of a line of shell in their order, none of which overlap; what is in none of them is an ordinary word. None at all where
/// the line is too much to be looked into, or does not read as one.
#[must_use]
pub fn shell_tokens(text: &str) -> Vec<Token> {
    let Some(tree) = parse::tree_to_show(text).filter(|tree| !tree.root_node().has_error()) else {
        return Vec::new();
    };
    let mut painted = vec![None; text.len()];
    each_node(tree.root_node().walk(), |node| paint(node, text, &mut painted));
    runs(text, &painted)
}

/// Gives the bytes of a node what it is: those of the nodes in it come later, and are painted over.
fn paint(node: Node<'_>, text: &str, painted: &mut [Option<TokenKind>]) {
    let range = node.byte_range();
    let kind = match node.kind() {
        "comment" => Some(TokenKind::Comment),
        "string" | "raw_string" | "ansi_c_string" | "translated_string" | "heredoc_body" => Some(TokenKind::String),
        "simple_expansion" | "expansion" | "arithmetic_expansion" | "variable_name" | "special_variable_name" => {
            Some(TokenKind::Variable)
        }
        "command_name" => Some(TokenKind::Program),
        "command_substitution" | "process_substitution" => None,
        "word" if text.get(range.clone()).is_some_and(|word| word.len() > 1 && word.starts_with('-')) => {
            Some(TokenKind::Option)
        }
        // Quotes and braces belong to what they are in.
        kind if OPERATORS.contains(&kind) && painted.get(range.start) == Some(&None) => Some(TokenKind::Operator),
        _ => return,
    };
    if let Some(bytes) = painted.get_mut(range) {
        bytes.fill(kind);
    }
}

/// The stretches of `text` that are painted alike.
fn runs(text: &str, painted: &[Option<TokenKind>]) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for (at, c) in text.char_indices() {
        let Some(kind) = painted.get(at).copied().flatten() else { continue };
        let end = at + c.len_utf8();
        match tokens.last_mut() {
            Some((range, last)) if range.end == at && *last == kind => range.end = end,
            _ => tokens.push((at..end, kind)),
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of a line that are something, each behind the letter of what it is.
    fn said(text: &str) -> String {
        let letter = |kind| match kind {
            TokenKind::Program => 'p',
            TokenKind::Option => 'o',
            TokenKind::String => 's',
            TokenKind::Variable => 'v',
            TokenKind::Operator => '+',
            TokenKind::Comment => 'c',
        };
        let tokens = shell_tokens(text).into_iter();
        tokens.map(|(range, kind)| format!("{}:{}", letter(kind), &text[range])).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_part_of_a_line_is_what_the_grammar_says() {
        for (line, expected) in [
            ("git push", "p:git"),
            ("git log --oneline -n 3 main", "p:git o:--oneline o:-n"),
            ("cd a && rm -r \"$x/b\" # c", "p:cd +:&& p:rm o:-r s:\" v:$x s:/b\" c:# c"),
            ("echo \"a $(id -u) b\"", "p:echo s:\"a  +:$( p:id o:-u +:) s: b\""),
            ("A=1 make 2>&1 | tee 'é'", "v:A +:= p:make +:2>& +:| p:tee s:'é'"),
            ("if [ -f x ]; then é; fi", "+:if +:[ +:-f +:]; +:then p:é +:; +:fi"),
            ("cat <<'E'\na $x\nE", "p:cat +:<<'E' s:a $x\n +:E"),
        ] {
            assert_eq!(said(line), expected, "{line}");
        }
    }

    #[test]
    fn what_does_not_read_as_a_line_or_is_too_much_has_no_parts() {
        for line in ["rm x )", "echo \"", "", &"a;".repeat(20_000), &"(".repeat(30_000), &"a | ".repeat(8_000)] {
            assert_eq!(said(line), "", "{}", &line[..line.len().min(20)]);
        }
        let script = "git status --short\n".repeat(1_000);
        assert_eq!(shell_tokens(&script).len(), 2_000);
    }
}
