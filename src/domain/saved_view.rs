//! A query that a person has kept under a name.

use super::id::checked_string;
use super::query::Query;
use super::visible::has_hidden;
use crate::clock::Timestamp;

/// The longest name of a view, in characters.
pub const LONGEST_VIEW_NAME: usize = 64;

/// The most views that one person keeps.
pub const MOST_VIEWS: u32 = 100;

/// What [`check_view_name`] lets pass.
const VIEW_NAME: &str =
    r"^([^\s/.\x00-\x1f\x7f-\x9f]|[^\s/\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*[^\s/.\x00-\x1f\x7f-\x9f])$";

fn check_view_name(text: &str) -> Result<(), &'static str> {
    let length = text.chars().count();
    let is_held_out = |c: char| c.is_control() || c == '/';
    // It is a segment of a path.
    let is_a_segment = !text.contains(is_held_out) && !text.ends_with('.');
    if (1..=LONGEST_VIEW_NAME).contains(&length) && is_a_segment && text.trim() == text {
        Ok(())
    } else {
        Err("the name of a view is 1 to 64 characters without / and control characters, and no space or dot at its end")
    }
}

checked_string! {
    /// The name of a view: a person's own word for a query.
    ViewName, check_view_name, VIEW_NAME, LONGEST_VIEW_NAME
}

impl ViewName {
    /// Whether all of it shows itself: a person chooses a view by what is seen of its name.
    #[must_use]
    pub fn shows_itself(&self) -> bool {
        !has_hidden(self.as_str())
    }
}

/// A query under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    /// The name, which no other view of the same person has.
    pub name: ViewName,
    /// What it finds; never empty.
    pub query: Query,
    /// When it was made.
    pub created_at: Timestamp,
}
