//! Putting a request off: until then it is not among the rows of one person. The request waits on, and nobody else notices.

use super::{Caller, Error, Result, Service};
use crate::clock::Timestamp;
use crate::domain::id::RequestId;
use crate::domain::interaction::Status;
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::store::Priority;

/// How long before its end what was put off is back at the latest, in milliseconds.
const BACK_BEFORE_END_MS: u64 = 10 * 60 * 1000;

/// The most that one person may have put off at a time.
const MOST_SNOOZES: usize = 500;

impl Service {
    /// Puts a pending interaction off for `by`, for so many milliseconds, but never to within ten minutes of its end;
    /// none bring it back at once. Returns when it is back.
    ///
    /// # Errors
    ///
    /// A refusal if it is not known, is over, or ends within ten minutes, or if as many are put off as may be; or an error of
    /// the store.
    pub async fn snooze(&self, by: &Caller, request_id: &RequestId, for_ms: u64) -> Result<Timestamp> {
        let request_id = request_id.clone();
        let put_off = self.write_as(by, move |tx, by| {
            let now = tx.now();
            let interaction = tx.interaction(&request_id)?.ok_or(Refused::UnknownRequest)?;
            if let Status::Resolved(outcome) = interaction.status() {
                return Err(Error::from(Refused::Retired { outcome }));
            }
            let longest = interaction.expires_at.map(|end| end.millis_since(now).saturating_sub(BACK_BEFORE_END_MS));
            if for_ms > 0 && longest == Some(0) {
                return Err(Refused::EndsTooSoon.into());
            }
            if for_ms > 0 && tx.snoozes(&by.name, now)?.len() >= MOST_SNOOZES {
                return Err(Refused::TooManySnoozes { limit: MOST_SNOOZES }.into());
            }
            let until = now.plus_millis(longest.map_or(for_ms, |longest| longest.min(for_ms))).unwrap_or(now);
            tx.snooze(&by.name, &request_id, until)?;
            Ok(until)
        });
        put_off.await
    }

    /// What `principal` has put off and still waits, with when it comes back: the first to come back first.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn snoozes(&self, principal: &Principal) -> Result<Vec<(RequestId, Timestamp)>> {
        let (owner, now) = (principal.name.clone(), self.clock.now());
        Ok(self.store.read(Priority::Human, move |tx| tx.snoozes(&owner, now)).await?)
    }
}
