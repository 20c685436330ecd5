//! How scripts of sed and awk are read.

/// A script, and where it is read.
pub(super) struct Reader<'s> {
    pub(super) rest: &'s str,
}

impl Reader<'_> {
    pub(super) fn take(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    pub(super) fn skip(&mut self, is_skipped: impl Fn(char) -> bool) -> usize {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches(is_skipped);
        before - self.rest.len()
    }

    pub(super) fn takes(&mut self, c: char) -> bool {
        self.rest.strip_prefix(c).map(|rest| self.rest = rest).is_some()
    }

    pub(super) fn blanks(&mut self) {
        self.skip(|c| matches!(c, ' ' | '\t'));
    }

    /// Up to `end`, which a backslash hides; no bracket may be open there: sed and sed do not agree whether it counts.
    pub(super) fn until(&mut self, end: char) -> Option<()> {
        let mut in_bracket = false;
        loop {
            match self.take()? {
                '\\' => {
                    self.take()?;
                }
                '\n' => return None,
                c if c == end => return (!in_bracket).then_some(()),
                '[' if in_bracket && self.rest.starts_with([':', '.', '=']) => {
                    let kind = self.take()?;
                    self.rest = self.rest.split_once(&format!("{kind}]"))?.1;
                }
                '[' if !in_bracket => {
                    in_bracket = true;
                    self.takes('^');
                    self.takes(']');
                }
                ']' => in_bracket = false,
                _ => {}
            }
        }
    }

    /// Up to `end`: a bracket is nothing special here.
    pub(super) fn replacement(&mut self, end: char) -> Option<()> {
        loop {
            match self.take()? {
                '\\' => {
                    self.take()?;
                }
                '\n' => return None,
                c if c == end => return Some(()),
                _ => {}
            }
        }
    }
}
