//! The URL under which a server is reached: an origin, and perhaps the path under which a proxy has put it.

use std::fmt;
use std::str::FromStr;

use super::http::{Authority, Origin};

/// `http://HOST[:PORT][/PATH]` or `https://…`. The path is the server's base: all its own paths begin behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebUrl {
    scheme: &'static str,
    authority: Authority,
    /// Empty, or `/some/path`: without a slash at its end.
    base: String,
}

impl WebUrl {
    /// The host and, where it is written, the port.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// `http` or `https`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// What stands before each path of the server: empty, or `/some/path`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The origin of pages that are fetched from here.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin::of(self.scheme, &self.authority)
    }
}

impl FromStr for WebUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |why: &str| format!("{text:?} {why}");
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
            Some(_) | None => return Err(refused("does not begin with http:// or https://")),
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        for (mark, why) in [
            ('?', "has a query: leave out what begins with `?`"),
            ('#', "has a fragment: leave out what begins with `#`"),
            (' ', "has a space in it"),
        ] {
            if rest.contains(mark) {
                return Err(refused(why));
            }
        }
        if authority.contains('@') {
            return Err(refused("names a user: leave out what ends with `@`"));
        }
        let authority = authority.parse().map_err(|_| refused("has no host, or none of the form HOST or HOST:PORT"))?;
        let base = path.strip_suffix('/').unwrap_or(path);
        for segment in base.split('/').skip(1) {
            check_segment(segment).map_err(refused)?;
        }
        Ok(Self { scheme, authority, base: base.to_owned() })
    }
}

/// Checks a part of a path between slashes. Every proxy and browser passes on what is taken here as it is written.
fn check_segment(segment: &str) -> Result<(), &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    match segment {
        "" => Err("has two slashes in a row in its path"),
        "." | ".." => Err("has `.` or `..` in its path: write the path that is meant"),
        _ if segment.bytes().all(is_plain) => Ok(()),
        _ => Err("has a path of other characters than letters and digits of ASCII, `-`, `.`, `_`, `~` and `/`"),
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, authority: Authority { host, port }, base } = self;
        write!(f, "{scheme}://{host}")?;
        port.map_or(Ok(()), |port| write!(f, ":{port}"))?;
        f.write_str(base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_an_origin_and_perhaps_a_path() {
        for (text, same, base) in [
            ("http://LocalHost:7711/", "http://localhost:7711", ""),
            ("HTTPS://inbox.example", "https://inbox.example", ""),
            ("https://a.example/some/Path/", "https://a.example/some/Path", "/some/Path"),
            ("http://[0:0::1]:80/a~b-c.d_e", "http://[::1]:80/a~b-c.d_e", "/a~b-c.d_e"),
        ] {
            let url = text.parse::<WebUrl>().unwrap();
            assert_eq!((url.to_string().as_str(), url.base()), (same, base));
        }
    }

    #[test]
    fn a_url_that_is_more_or_less_than_that_is_refused_by_what_is_wrong() {
        for (bad, why) in [
            ("", "begin with http"),
            ("a.example", "begin with http"),
            ("//a.example", "begin with http"),
            ("ftp://a.example", "begin with http"),
            ("https://", "no host"),
            ("https:///a", "no host"),
            ("https://a:b", "no host"),
            ("https://a?b", "query"),
            ("https://a/b?c", "query"),
            ("https://a/b#c", "fragment"),
            ("https://u:p@a/b", "user"),
            ("https://a/b c", "space"),
            ("https://a//b", "two slashes"),
            ("https://a/b//", "two slashes"),
            ("https://a/b/../c", "`..`"),
            ("https://a/./c", "`..`"),
            ("https://a/b%2fc", "other characters"),
            ("https://a/é", "other characters"),
            ("https://a/\"><script>", "other characters"),
            ("https://a/b\n", "other characters"),
        ] {
            let refused = bad.parse::<WebUrl>().unwrap_err();
            assert!(refused.contains(why), "{bad:?}: {refused}");
        }
    }
}
