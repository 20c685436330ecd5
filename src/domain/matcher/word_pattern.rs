//! One word of a pattern of commands.

use super::components::{Care, Components};
use super::glob::{Glob, Reach};
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
    Glob { prefix: String, components: Components, may_be_host: bool },
    /// A URL with wildcards in it.
    Url { prefix: String, url: UrlPattern },
    /// What looks like a URL with wildcards and cannot be read as one: a rule that allows covers nothing with it.
    Unread(Glob),
}

/// What no wildcard of a rule that allows stands for in the first component of a word that may be a host: the characters
/// behind which the host is another one, or at an end.
const HOST_ENDS: &[char] = &['@', '?', '#', '\\'];

/// Escapes that some readers of URLs take for a dot, a slash, a backslash or a percent sign.
const ESCAPES: &[&str] = &["%2e", "%2f", "%5c", "%25"];

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
        if Self::is_url(&parts) {
            // A glob tells no `**` from a `*`.
            let source = |(glob, shape): &(Glob, String)| if shape == "**" { shape.clone() } else { glob.source() };
            let source = parts.iter().map(source).collect::<Vec<_>>().join("/");
            return match UrlPattern::parse(&source) {
                Some(url) => Self::Url { prefix, url },
                None => Self::Unread(Glob::new(&source)),
            };
        }
        let may_be_host = parts.first().is_some_and(|(glob, _)| glob.literal().is_none() && glob.has([':', '.']));
        let components = Components::new(parts.into_iter().map(|(glob, shape)| (glob, shape == "**")));
        Self::Glob { prefix, components, may_be_host }
    }

    /// Whether it has `://` in it, or begins with a scheme.
    fn is_url(parts: &[(Glob, String)]) -> bool {
        let ends_scheme = |glob: &Glob| glob.source().ends_with(':');
        let is_empty = |glob: &Glob| glob.literal() == Some("");
        let has_authority = parts
            .windows(3)
            .any(|three| matches!(three, [(scheme, _), (nothing, _), _] if ends_scheme(scheme) && is_empty(nothing)));
        has_authority || (parts.len() > 2 && ends_scheme(&parts[0].0))
    }

    pub(super) fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(literal) => Some(literal),
            Self::Any | Self::Options | Self::Glob { .. } | Self::Url { .. } | Self::Unread(_) => None,
        }
    }

    /// Whether a rule that allows covers no word at all with it.
    pub(super) const fn is_unread(&self) -> bool {
        matches!(self, Self::Unread(_))
    }

    /// Whether it says something of the words that it covers.
    pub(super) const fn says_something(&self) -> bool {
        matches!(self, Self::Literal(_) | Self::Glob { .. } | Self::Url { .. })
    }

    /// Whether it says what stands behind a colon.
    pub(super) fn has_colon(&self) -> bool {
        match self {
            Self::Literal(literal) => literal.contains(':'),
            Self::Glob { prefix, components, .. } => prefix.contains(':') || components.have([':']),
            Self::Any | Self::Options | Self::Url { .. } | Self::Unread(_) => false,
        }
    }

    /// How many bytes of a word that this covers the person who made it has spelled out, from its start.
    pub(super) fn spelled(&self) -> usize {
        match self {
            Self::Literal(literal) => literal.len(),
            Self::Any | Self::Options | Self::Unread(_) => 0,
            Self::Glob { prefix, .. } | Self::Url { prefix, .. } => prefix.len(),
        }
    }

    pub(super) fn covers(&self, text: &str, care: Care) -> bool {
        match self {
            Self::Literal(literal) => literal == text,
            Self::Any => care == Care::Caution || !text.starts_with('-'),
            Self::Options => text.starts_with('-'),
            Self::Glob { prefix, components, may_be_host } => {
                // No wildcard stands for the beginning of an option, nor leads to another host.
                let is_spelled = !text.starts_with('-') || prefix.starts_with('-');
                let stays = !text.get(prefix.len()..).is_some_and(|rest| leads_away(rest, *may_be_host));
                (care == Care::Caution || (is_spelled && stays))
                    && components.matches(&text.split('/').collect::<Vec<_>>(), care)
            }
            Self::Url { url, .. } => Url::parse(text).is_ok_and(|found| url.matches(&found, care)),
            Self::Unread(glob) => care == Care::Caution && glob.matches(text, Reach::Wide),
        }
    }

    /// Whether a rule that denies or asks may be about `text`.
    pub(super) fn may_be(&self, text: &str) -> bool {
        let is_like = |url: &UrlPattern| Url::parse(text).is_ok_and(|found| url.resembles(&found));
        self.covers(text, Care::Caution) || matches!(self, Self::Url { url, .. } if is_like(url))
    }
}

/// Whether what a wildcard stands for, with what follows it, may be read as another place than its components say: behind
/// an escape, or, in what `may_be_host`, at another host.
fn leads_away(rest: &str, may_be_host: bool) -> bool {
    let first = rest.split('/').next().unwrap_or(rest);
    let lower = rest.to_ascii_lowercase();
    (may_be_host && first.contains(HOST_ENDS)) || ESCAPES.iter().any(|escape| lower.contains(escape))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(pattern: &str, text: &str, care: Care) -> bool {
        WordPattern::parse(pattern).unwrap().covers(text, care)
    }

    #[test]
    fn a_wildcard_in_a_url_crosses_slashes_where_it_is_doubled_and_never_leads_to_another_host() {
        for (pattern, text) in [
            ("http://localhost:3000/**", "http://localhost:3000/a/b"),
            ("http://localhost:3000/**", "http://localhost:3000/"),
            ("http://localhost:3000/**", "http://localhost:3000"),
            ("http://localhost:3000/**/c", "http://localhost:3000/a/b/c"),
            ("http://localhost:*/*", "http://localhost:8080/"),
            ("http://localhost:*/v1/*", "http://localhost:8080/v1/"),
            ("http://localhost:*/**", "http://localhost/a/b?c=d"),
            ("'http://localhost:3000'/**", "http://localhost:3000/a/b"),
            ("localhost:*/**", "localhost:3000/a/b?c=d@e"),
            ("*.example.com/*", "api.example.com/a@b"),
            ("git@github.com:mine/*", "git@github.com:mine/a"),
            ("test:*", "test:unit"),
            ("@types/*", "@types/node"),
            ("x@*", "x@1"),
        ] {
            assert!(covers(pattern, text, Care::Allowing), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("http://localhost:3000/**", "http://localhost:3000/../a"),
            ("http://localhost:3000/**", "http://localhost:3000/%2e%2e/a"),
            ("http://localhost:3000/**", "http://localhost:3000@evil.example/a"),
            ("http://localhost:3000/**", "http://localhost:30001/a"),
            ("http://localhost:3000/**", "http://localhost.evil.example:3000/a"),
            ("http://localhost:3000/**", "https://localhost:3000/a"),
            ("http://localhost:*/*", "http://localhost:8080/a/b"),
            ("http://localhost:*/*", "http://localhost:x@evil.example/"),
            ("http://localhost:*/a*", "http://localhost:8080/"),
            ("http*://localhost:*/**", "http://localhost:x@evil.example/a"),
            ("http*://*.example.com/**", "http://evil.example?.example.com/a"),
            ("--url=http://localhost/*", "--url=http://localhost/a"),
            ("localhost:*/**", "localhost:x@evil.example/a"),
            ("localhost:3000/**", "localhost:3000/%2E%2E/a"),
            ("*.example.com/**", "evil.example?.example.com/a"),
            ("*.example.com/**", "evil.example#.example.com/a"),
            ("*.example.com/**", "evil.example\\.example.com/a"),
        ] {
            assert!(!covers(pattern, text, Care::Allowing), "{pattern} {text}");
        }
    }

    #[test]
    fn a_rule_that_denies_is_about_what_only_looks_like_a_url_too() {
        for (pattern, text) in [
            ("https://evil.example/**", "https://evil.example/a/b"),
            ("http*://evil.example/*", "https://evil.example/a/b"),
            ("ssh://git@evil.example/**", "ssh://git@evil.example/a/b"),
            ("evil.example:*/*", "evil.example:x@evil.example/a"),
        ] {
            assert!(covers(pattern, text, Care::Caution), "{pattern} {text}");
        }
    }
}
