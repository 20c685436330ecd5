//! The rows of the last `list` of this terminal: `approve 3` takes the third.
//!
//! A number is not looked for among the beginnings of ids, which agents choose: it is a row that this person has seen, on this
//! terminal, of this server, a short while ago, or nothing.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use etcetera::{BaseStrategy, choose_base_strategy};
use nix::unistd::getsid;
use serde::{Deserialize, Serialize};

use super::Failure;
use crate::client::Client;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::domain::id::RequestId;

/// How long rows count: what was shown longer ago is no more what a person has before their eyes.
const GOOD_FOR_MS: u64 = 60 * 60 * 1000;

/// What is kept of a list.
#[derive(Serialize, Deserialize)]
struct LastList {
    server: String,
    at: Timestamp,
    ids: Vec<RequestId>,
}

/// The row that a text names: a number without a zero in front, of at most four digits.
pub(super) fn row(given: &str) -> Option<usize> {
    let is_number = (1..=4).contains(&given.len()) && given.bytes().all(|byte| byte.is_ascii_digit());
    given.parse().ok().filter(|_| is_number && !given.starts_with('0'))
}

/// Keeps the ids of a list that is shown; whether they could be kept, so that its rows can be named.
pub(super) fn keep(client: &Client, ids: Vec<RequestId>) -> bool {
    let last = LastList { server: client.url().to_string(), at: SystemClock::default().now(), ids };
    let Some((path, text)) = path().zip(serde_json::to_string(&last).ok()) else { return false };
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    let file =
        made.and_then(|()| fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path));
    file.and_then(|mut file| file.write_all(text.as_bytes())).is_ok()
}

/// The id in this row of the last list.
pub(super) fn id(client: &Client, row: usize) -> Result<RequestId, Failure> {
    let again = "run `countersign list` first, or give more of the id (a whole id with --exact)";
    let refused = |why: &str| Failure::Usage(format!("{row} is a row of the last list, and {why}: {again}"));
    let text = path().and_then(|path| fs::read_to_string(path).ok());
    let last = text.and_then(|text| serde_json::from_str::<LastList>(&text).ok());
    let last = last.ok_or_else(|| refused("this terminal has shown none"))?;
    if last.server != client.url().to_string() {
        return Err(refused("that was of another server"));
    }
    if SystemClock::default().now().millis_since(last.at) > GOOD_FOR_MS {
        return Err(refused("that was more than an hour ago"));
    }
    let found = row.checked_sub(1).and_then(|place| last.ids.get(place)).cloned();
    found.ok_or_else(|| refused(&format!("that had {}", last.ids.len())))
}

/// A file for each session, which is a terminal's own; none where the session began out of the container and has no number in
/// it.
fn path() -> Option<PathBuf> {
    let session = getsid(None).ok().filter(|session| session.as_raw() != 0)?;
    let strategy = choose_base_strategy().ok()?;
    let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Some(state.join("countersign").join(format!("last-list-{}.json", session)))
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn a_row_is_a_small_number_and_nothing_else() {
        assert_eq!((row("1"), row("42"), row("5000")), (Some(1), Some(42), Some(5000)));
        for other in ["", "0", "01", "01a2", "10000", "-1", "+1", "1a", "a", "١"] {
            assert_eq!(row(other), None, "{other:?}");
        }
    }
}
