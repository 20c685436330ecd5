//! Walks a history from its first event to its last, and says what is wrong with it first.
//!
//! Everything before the first event that does not fit is proved by its hashes. What was done to that one is then looked
//! for in what follows it: the true event may stand elsewhere, or may carry another hash. It holds two events at a time,
//! however long the history is.

use std::fmt;

use super::{EventHash, Head, UnverifiedEvent};

/// The first thing that is wrong with a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// These are not there.
    Removed {
        /// The first of them.
        first: i64,
        /// The last of them.
        last: i64,
    },
    /// It does not say what it said when it was appended, or was put in the place of one that is gone.
    Edited {
        /// Which one.
        seq: i64,
        /// What is known of it beside.
        how: String,
    },
    /// It was put in: the event that has its place by right follows it.
    Inserted {
        /// Which one.
        seq: i64,
    },
    /// The event that has this place by right stands elsewhere.
    Reordered {
        /// The place.
        seq: i64,
        /// Where the event is.
        stands_at: i64,
    },
    /// All of it fits, but it is not the history that has this head.
    Replaced {
        /// The head that was given.
        head: Head,
        /// The hash of the event in its place.
        found: EventHash,
    },
}

impl Broken {
    /// The place of the first event that is wrong.
    #[must_use]
    pub const fn seq(&self) -> i64 {
        match self {
            Self::Removed { first: seq, .. }
            | Self::Edited { seq, .. }
            | Self::Inserted { seq }
            | Self::Reordered { seq, .. }
            | Self::Replaced { head: Head { seq, .. }, .. } => *seq,
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed { first, last } if first == last => write!(f, "event {first} was removed"),
            Self::Removed { first, last } => write!(f, "events {first} to {last} were removed"),
            Self::Edited { seq, how } => write!(f, "event {seq} was edited: {how}"),
            Self::Inserted { seq } => write!(f, "event {seq} was inserted"),
            Self::Reordered { seq, stands_at } => {
                write!(f, "events were reordered: what was event {seq} stands at {stands_at}")
            }
            Self::Replaced { head, found } => write!(
                f,
                "event {} has the hash {found} and not the {} of the head that was given: this is another history",
                head.seq, head.hash
            ),
        }
    }
}

/// Walks `events`, which come in the order of their places, and holds them against `kept`, a head that was kept elsewhere,
/// be it from before the history was chained anew; the history's own head, or what is wrong first. The error is that of
/// whatever reads the events.
pub fn verify<E>(
    events: impl IntoIterator<Item = Result<UnverifiedEvent, E>>,
    kept: Option<Head>,
) -> Result<Result<Head, Broken>, E> {
    let mut events = events.into_iter();
    let (mut head, mut before, mut former) = (Head::NONE, None, EventHash::ZERO);
    while let Some(found) = events.next().transpose()? {
        let next = head.seq.saturating_add(1);
        let Some(hash) = found.hash.filter(|_| found.stands_at(next, head.hash)) else {
            // The true event of the place before, and not the same once more.
            let displaced = before.filter(|_| found.hash != Some(head.hash));
            if displaced.is_some_and(|before| found.belongs_at(head.seq, before)) {
                return Ok(Err(Broken::Inserted { seq: head.seq }));
            }
            return diagnose(head, &found, events).map(Err);
        };
        if let Some(how) = found.fault(next, former) {
            return Ok(Err(Broken::Edited { seq: next, how: how.to_owned() }));
        }
        let is_other = |kept: &Head| kept.seq == next && kept.hash != hash && found.former() != Some(kept.hash);
        if let Some(kept) = kept.filter(is_other) {
            // The one that was kept may follow, behind one that was put in.
            let following = events.next().transpose()?;
            let is_behind =
                following.is_some_and(|event| event.hash == Some(kept.hash) && event.belongs_at(next, head.hash));
            return Ok(Err(if is_behind {
                Broken::Inserted { seq: next }
            } else {
                Broken::Replaced { head: kept, found: hash }
            }));
        }
        before = Some(head.hash);
        former = found.former().unwrap_or(former);
        head = Head { seq: next, hash };
    }
    Ok(match kept {
        Some(kept) if kept.seq == 0 && kept != Head::NONE => {
            Err(Broken::Replaced { head: kept, found: Head::NONE.hash })
        }
        Some(kept) if kept.seq > head.seq => Err(Broken::Removed { first: head.seq + 1, last: kept.seq }),
        Some(_) | None => Ok(head),
    })
}

/// What was done where `found` stands after `head` and does not fit; `rest` is what follows.
fn diagnose<E>(
    head: Head,
    found: &UnverifiedEvent,
    rest: impl Iterator<Item = Result<UnverifiedEvent, E>>,
) -> Result<Broken, E> {
    let due = head.seq.saturating_add(1);
    let place = match found.seq {
        Some(place) if place < due => return Ok(Broken::Inserted { seq: place }),
        Some(place) => place,
        None => due,
    };
    if place > due && found.belongs_at(due, head.hash) {
        return Ok(Broken::Reordered { seq: due, stands_at: place });
    }
    let computed = found.content.as_ref().map(|content| content.hash(due, head.hash)).ok();
    let (mut before, mut is_first, mut next_there) = (found.hash, true, place);
    for event in rest {
        let event = event?;
        let is_due = |hash: Option<EventHash>| hash.is_some_and(|hash| event.is_told_by(due, head.hash, hash));
        if is_due(event.hash) || (place == due && is_due(found.hash)) {
            let stands_at = event.seq.unwrap_or(due);
            // Where the two have changed places, the one that was found belongs where the other stands.
            let previous = if is_first { event.hash } else { before };
            let is_swapped = place > due
                || !is_due(event.hash)
                || previous.is_some_and(|previous| found.belongs_at(stands_at, previous));
            return Ok(if is_swapped {
                Broken::Reordered { seq: due, stands_at }
            } else {
                Broken::Inserted { seq: due }
            });
        }
        if is_first && place == due && computed.is_some_and(|computed| event.stands_at(due + 1, computed)) {
            let how = "its hash is not the one that the event after it goes on from".to_owned();
            return Ok(Broken::Edited { seq: due, how });
        }
        next_there = event.seq.filter(|seq| *seq > due).map_or(next_there, |seq| seq.min(next_there));
        (before, is_first) = (event.hash, false);
    }
    if place > due {
        return Ok(Broken::Removed { first: due, last: next_there - 1 });
    }
    let how = match &found.content {
        Ok(_) => "it does not go on from the event before it, or that one was edited with its hash".to_owned(),
        Err(why) => why.clone(),
    };
    Ok(Broken::Edited { seq: due, how })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::clock::Timestamp;
    use crate::domain::chain::{AuditContent, SaltedText};

    fn content(name: &str) -> AuditContent<'static> {
        let (event, detail) = (name.to_owned().into(), "{}".into());
        AuditContent {
            at: Timestamp::EPOCH,
            event,
            request_id: None,
            rule_id: None,
            principal: None,
            detail,
            writing: None,
            former: None,
        }
    }

    /// A whole history of so many events.
    fn history(length: i64) -> Vec<UnverifiedEvent> {
        let mut previous = EventHash::ZERO;
        let events = (1..=length).map(|seq| {
            let content = content(&format!("event {seq}"));
            previous = content.hash(seq, previous);
            UnverifiedEvent { seq: Some(seq), content: Ok(content), hash: Some(previous), previous: None }
        });
        events.collect()
    }

    fn renumbered(mut events: Vec<UnverifiedEvent>) -> Vec<UnverifiedEvent> {
        (1..).zip(&mut events).for_each(|(seq, event)| event.seq = Some(seq));
        events
    }

    fn verified(events: Vec<UnverifiedEvent>, head: Option<Head>) -> Result<Head, Broken> {
        verify(events.into_iter().map(Ok::<_, Infallible>), head).unwrap()
    }

    fn broken(events: Vec<UnverifiedEvent>) -> Broken {
        verified(events, None).unwrap_err()
    }

    fn head_of(events: &[UnverifiedEvent]) -> Head {
        events.last().map_or(Head::NONE, |last| Head { seq: last.seq.unwrap(), hash: last.hash.unwrap() })
    }

    #[test]
    fn a_whole_history_has_its_last_event_as_its_head_and_may_have_grown_since() {
        for length in [0, 1, 2, 9] {
            let events = history(length);
            let head = head_of(&events);
            assert_eq!(verified(events, Some(head)), Ok(head));
            assert_eq!(verified(history(length + 3), Some(head)), Ok(head_of(&history(length + 3))));
        }
    }

    /// A history of so many events with a text each, chained anew, and the heads that it had before.
    fn rechained(length: i64) -> (Vec<UnverifiedEvent>, Vec<Head>) {
        let (mut former, mut previous, mut heads) = (EventHash::ZERO, EventHash::ZERO, Vec::new());
        let events = (1..=length).map(|seq| {
            let event = AuditContent { detail: r#"{"comment":"no","delivery":"store"}"#.into(), ..content("before") };
            former = event.hash(seq, former);
            heads.push(Head { seq, hash: former });
            let text = SaltedText { salt: [seq as u8; 16], text: r#"{"comment":"no"}"#.into() };
            let detail = r#"{"delivery":"store"}"#.into();
            let event = AuditContent { detail, writing: Some(text.into()), former: Some(former), ..event };
            previous = event.hash(seq, previous);
            UnverifiedEvent { seq: Some(seq), content: Ok(event), hash: Some(previous), previous: None }
        });
        (events.collect(), heads)
    }

    fn edit(event: &mut UnverifiedEvent, edit: impl FnOnce(&mut AuditContent<'static>)) {
        edit(event.content.as_mut().unwrap());
    }

    #[test]
    fn a_head_from_before_the_history_was_chained_anew_proves_it_with_its_texts_and_without() {
        let (mut events, heads) = rechained(5);
        let head = head_of(&events);
        for forgotten in 0..=5 {
            for kept in &heads {
                assert_eq!(verified(events.clone(), Some(*kept)), Ok(head), "{forgotten} of them are forgotten");
            }
            let other = Head { seq: 3, hash: EventHash::ZERO };
            assert!(matches!(verified(events.clone(), Some(other)), Err(Broken::Replaced { .. })));
            if let Some(event) = events.get_mut(forgotten) {
                edit(event, |content| content.writing.as_mut().unwrap().text = None);
            }
        }
    }

    #[test]
    fn another_text_or_another_past_is_an_edit() {
        let (mut events, _) = rechained(5);
        edit(&mut events[2], |content| {
            let text = content.writing.as_mut().unwrap().text.as_mut().unwrap();
            text.text = r#"{"comment":"yes"}"#.into();
        });
        let named = broken(events);
        assert!(matches!(&named, Broken::Edited { seq: 3, how } if how.contains("text")), "{named}");
        // Forged before, and chained anew with what it says now.
        let (events, _) = rechained(5);
        let mut previous = EventHash::ZERO;
        let forged = events.into_iter().enumerate().map(|(at, mut event)| {
            let seq = at as i64 + 1;
            if seq == 2 {
                edit(&mut event, |content| content.principal = Some("eve".into()));
            }
            previous = event.content.as_ref().unwrap().hash(seq, previous);
            UnverifiedEvent { hash: Some(previous), ..event }
        });
        let named = broken(forged.collect());
        assert!(matches!(&named, Broken::Edited { seq: 2, how } if how.contains("before")), "{named}");
    }

    #[test]
    fn what_was_removed_is_named() {
        for (from, to) in [(0, 1), (0, 8), (3, 4), (3, 6)] {
            let mut events = history(9);
            events.drain(from..to);
            let (first, last) = (from as i64 + 1, to as i64);
            assert_eq!(broken(events), Broken::Removed { first, last });
        }
    }

    #[test]
    fn a_cut_tail_and_another_history_are_found_by_the_head_alone() {
        let kept = Some(head_of(&history(9)));
        let cut = history(6);
        assert!(verified(cut.clone(), None).is_ok());
        assert_eq!(verified(cut, kept), Err(Broken::Removed { first: 7, last: 9 }));
        let other = content("other").hash(1, EventHash::ZERO);
        let mut events =
            vec![UnverifiedEvent { content: Ok(content("other")), hash: Some(other), ..history(1).remove(0) }];
        assert!(verified(events.clone(), None).is_ok());
        let head = head_of(&history(1));
        assert_eq!(verified(events.split_off(0), Some(head)), Err(Broken::Replaced { head, found: other }));
    }

    #[test]
    fn what_was_edited_is_named_wherever_it_stands() {
        for at in [0, 4, 8] {
            let seq = at as i64 + 1;
            let mut said = history(9);
            said[at].content = Ok(content("forged"));
            let mut unreadable = history(9);
            unreadable[at].content = Err("its event is no text".to_owned());
            let mut hash = history(9);
            hash[at].hash = Some(EventHash::ZERO);
            for events in [said, unreadable, hash] {
                assert!(matches!(broken(events), Broken::Edited { seq: named, .. } if named == seq), "at {seq}");
            }
        }
    }

    #[test]
    fn what_was_inserted_is_named_whatever_hash_it_has() {
        for at in [0, 4, 8] {
            let seq = at as i64 + 1;
            let mut events = history(9);
            events.insert(at, UnverifiedEvent { content: Ok(content("forged")), ..events[0].clone() });
            assert_eq!(broken(renumbered(events)), Broken::Inserted { seq });
        }
        // With a hash that goes on from the event before, only the next one shows it.
        let mut events = history(9);
        let hash = content("forged").hash(5, events[3].hash.unwrap());
        events.insert(4, UnverifiedEvent { content: Ok(content("forged")), hash: Some(hash), ..events[0].clone() });
        assert_eq!(broken(renumbered(events.clone())), Broken::Inserted { seq: 5 });
        let kept = Some(head_of(&history(5)));
        assert_eq!(verified(renumbered(events), kept), Err(Broken::Inserted { seq: 5 }));
        let mut events = history(9);
        events.insert(5, events[4].clone());
        assert_eq!(broken(renumbered(events)), Broken::Inserted { seq: 6 });
        let mut before_the_first = history(9);
        before_the_first.insert(0, UnverifiedEvent { seq: Some(0), ..before_the_first[0].clone() });
        assert_eq!(broken(before_the_first), Broken::Inserted { seq: 0 });
    }

    #[test]
    fn events_that_changed_places_are_named_with_their_hashes_or_without() {
        for (one, other) in [(0, 1), (7, 8), (2, 6), (0, 8)] {
            let expected = Broken::Reordered { seq: one as i64 + 1, stands_at: other as i64 + 1 };
            let mut events = history(9);
            events.swap(one, other);
            assert_eq!(broken(renumbered(events)), expected);
            let mut events = history(9);
            let content = events[one].content.clone();
            events[one].content = std::mem::replace(&mut events[other].content, content);
            assert_eq!(broken(events), expected);
        }
    }

    #[test]
    fn an_event_with_another_number_is_found_where_it_stands() {
        let mut events = history(9);
        let mut moved = events.remove(3);
        moved.seq = Some(12);
        events.push(moved);
        assert_eq!(broken(events), Broken::Reordered { seq: 4, stands_at: 12 });
    }
}
