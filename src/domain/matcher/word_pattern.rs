//! One word of a pattern of commands.

use super::components::{Care, Components};
use super::glob::Glob;
use super::url::{Url, UrlPattern};
use super::word;

/// A word of a pattern.
#[derive(Clone, Debug)]
pub(super) enum WordPattern {
    /// This very word.
    Literal(String),
    /// `*` alone: one word.
    Any,
    /// `--*` alone: any options.
    Options,
    /// A word with wildcards in it.
    Glob { prefix: String, components: Components },
    /// A URL with wildcards in it.
    Url { prefix: String, url: UrlPattern },
}

impl WordPattern {
    /// Reads one word of a pattern: quotes and backslashes as in a shell, and `*` as a wildcard.
    pub(super) fn parse(raw: &str) -> Option<Self> {
        let mut parts = vec![(Glob::empty(), String::new())];
        let mut quote = None;
        let mut chars = raw.chars();
        while let Some(c) = chars.next() {
            let (glob, source) = parts.last_mut()?;
            match (c, quote) {
                ('\'' | '"', None) => quote = Some(c),
                (c, Some(q)) if c == q => quote = None,
                ('$' | '`', None | Some('"')) => return None,
                ('\\', None) => glob.push(chars.next()?),
                ('\\', Some('"')) => match chars.next()? {
                    c @ ('$' | '`' | '"' | '\\') => glob.push(c),
                    c => {
                        glob.push('\\');
                        glob.push(c);
                    }
                },
                ('*', None) => {
                    glob.push_star();
                    source.push('*');
                }
                ('/', _) => parts.push((Glob::empty(), String::new())),
                (c, _) => {
                    glob.push(c);
                    source.push('x');
                }
            }
        }
        if word::is_quoted_tilde(raw, parts.first()?.0.literal_prefix()) {
            parts.insert(0, (Glob::new("."), String::new()));
        }
        Some(Self::of(parts))
    }

    /// Of globs that were parted at slashes, each with its shape.
    fn of(parts: Vec<(Glob, String)>) -> Self {
        if let [(glob, source)] = parts.as_slice() {
            if glob.is_star() {
                return Self::Any;
            }
            if glob.literal_prefix() == "--" && source == "xx*" {
                return Self::Options;
            }
        }
        let literals = parts.iter().map_while(|(glob, _)| glob.literal()).collect::<Vec<_>>();
        let mut prefix = literals.join("/");
        if literals.len() == parts.len() {
            return Self::Literal(prefix);
        }
        if !literals.is_empty() {
            prefix.push('/');
        }
        prefix.push_str(parts[literals.len()].0.literal_prefix());
        if prefix.contains("://") || (parts.len() > 2 && literals.first().is_some_and(|first| first.ends_with(':'))) {
            let source = parts.iter().map(|(glob, _)| glob.source()).collect::<Vec<_>>().join("/");
            // What looks like a URL and is none covers nothing.
            return UrlPattern::parse(&source).map_or(Self::Literal(source), |url| Self::Url { prefix, url });
        }
        let components = Components::new(parts.into_iter().map(|(glob, shape)| (glob, shape == "**")));
        Self::Glob { prefix, components }
    }

    pub(super) fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(literal) => Some(literal),
            Self::Any | Self::Options | Self::Glob { .. } | Self::Url { .. } => None,
        }
    }

    /// How many bytes of a word that this covers the person who made it has spelled out, from its start.
    pub(super) fn spelled(&self) -> usize {
        match self {
            Self::Literal(literal) => literal.len(),
            Self::Any | Self::Options => 0,
            Self::Glob { prefix, .. } | Self::Url { prefix, .. } => prefix.len(),
        }
    }

    pub(super) fn covers(&self, text: &str, care: Care) -> bool {
        match self {
            Self::Literal(literal) => literal == text,
            Self::Any => care == Care::Caution || !text.starts_with('-'),
            Self::Options => text.starts_with('-'),
            Self::Glob { prefix, components } => {
                // No wildcard stands for the beginning of an option.
                let is_spelled = care == Care::Caution || !text.starts_with('-') || prefix.starts_with('-');
                is_spelled && components.matches(&text.split('/').collect::<Vec<_>>(), care)
            }
            Self::Url { url, .. } => Url::parse(text).is_ok_and(|found| url.matches(&found, care)),
        }
    }
}
