//! What waits, the oldest deadline first, and which of it a person looks at.

use super::card::Card;
use crate::api::Interaction;
use crate::domain::id::RequestId;
use crate::domain::query::Query;
use crate::present::Ending;

/// The most cards that are held, each with all that it asks: the most urgent ones.
pub(super) const MOST_CARDS: usize = 100;

/// So few cards left, and those that were left out are asked for.
const FEW_CARDS: usize = MOST_CARDS / 4;

/// What waits, as far as it is held.
#[derive(Default)]
pub(super) struct Pending {
    /// The most urgent ones.
    pub(super) interactions: Vec<Interaction>,
    /// Whether there are others.
    pub(super) has_more: bool,
    /// The query that finds them.
    pub(super) found_by: Query,
}

impl Pending {
    /// Adds some, and keeps the most urgent of all.
    pub(super) fn add(&mut self, more: impl IntoIterator<Item = Interaction>) {
        self.interactions.extend(more);
        self.interactions.sort_by(|one, other| order(one).cmp(&order(other)));
        self.has_more |= self.interactions.len() > MOST_CARDS;
        self.interactions.truncate(MOST_CARDS);
    }
}

/// The cards that wait.
///
/// The selection stays on its card whatever comes or goes, and the card stays there when another person resolves it: a key
/// never answers a card that has just moved into the selection.
#[derive(Default)]
pub(super) struct Queue {
    cards: Vec<Card>,
    selected: Option<RequestId>,
    /// Whether others wait that are not held.
    has_more: bool,
}

/// Those without a deadline come last, and of two with the same deadline the older one first.
fn order(interaction: &Interaction) -> (i64, i64, &RequestId) {
    let deadline = interaction.expires_at.map_or(i64::MAX, |end| end.as_millis());
    (deadline, interaction.created_at.as_millis(), &interaction.request_id)
}

impl Queue {
    /// All cards, in their order.
    pub(super) fn cards(&self) -> &[Card] {
        &self.cards
    }

    /// How many can still be answered.
    pub(super) fn waiting(&self) -> usize {
        self.cards.iter().filter(|card| card.ending.is_none()).count()
    }

    /// Whether others wait that are not held.
    pub(super) const fn has_more(&self) -> bool {
        self.has_more
    }

    /// Whether those that are not held are to be asked for now: few others are left. Once until [`Queue::replace`].
    pub(super) fn asks_for_more(&mut self) -> bool {
        let asks = self.has_more && self.waiting() < FEW_CARDS;
        self.has_more &= !asks;
        asks
    }

    /// The card that a person looks at, and its place.
    pub(super) fn selected(&self) -> Option<(usize, &Card)> {
        let selected = self.selected.as_ref()?;
        self.cards.iter().enumerate().find(|(_, card)| card.id() == selected)
    }

    pub(super) fn card_mut(&mut self, request_id: &RequestId) -> Option<&mut Card> {
        self.cards.iter_mut().find(|card| card.id() == request_id)
    }

    /// Looks at this card, where it is held.
    pub(super) fn select(&mut self, request_id: &RequestId) {
        if self.cards.iter().any(|card| card.id() == request_id) {
            self.selected = Some(request_id.clone());
        }
    }

    /// Inserts a card in its place, and selects it if no card is selected.
    pub(super) fn arrive(&mut self, interaction: Interaction) {
        let request_id = interaction.request_id.clone();
        self.put(interaction);
        self.selected.get_or_insert(request_id);
    }

    fn put(&mut self, interaction: Interaction) {
        if self.card_mut(&interaction.request_id).is_none() {
            let at = self.cards.partition_point(|card| order(&card.interaction) < order(&interaction));
            self.cards.insert(at, Card::new(interaction));
        }
        // The least urgent goes, but not from before the eyes of a person.
        while self.cards.len() > MOST_CARDS
            && let Some(last) = self.cards.iter().rposition(|card| self.selected.as_ref() != Some(card.id()))
        {
            self.cards.remove(last);
            self.has_more = true;
        }
    }

    /// Removes a card; if it is selected, it stays and shows how it ended.
    pub(super) fn end(&mut self, request_id: &RequestId, ending: Ending) {
        if self.selected.as_ref() != Some(request_id) {
            self.cards.retain(|card| card.id() != request_id);
        } else if let Some(card) = self.card_mut(request_id) {
            card.ending = Some(ending);
        }
    }

    /// Takes away what this person has answered; the next one is looked at.
    pub(super) fn remove(&mut self, request_id: &RequestId) {
        if self.selected.as_ref() == Some(request_id) {
            self.step(1);
        }
        self.cards.retain(|card| card.id() != request_id);
        if self.selected.as_ref() == Some(request_id) {
            self.selected = self.cards.last().map(|card| card.id().clone());
        }
    }

    /// Looks at the card so many places further down; one that has ended goes when it is left.
    pub(super) fn step(&mut self, by: isize) {
        let Some((at, card)) = self.selected() else { return };
        let (left, has_ended) = (card.id().clone(), card.ending.is_some());
        let last = self.cards.len() - 1;
        let to = at.saturating_add_signed(by).min(last);
        // What has ended can be left at both ends of the list, too.
        let to = if to == at && has_ended { at.checked_sub(1).unwrap_or_else(|| last.min(1)) } else { to };
        self.selected = self.cards.get(to).map(|card| card.id().clone());
        if has_ended {
            self.cards.retain(|card| *card.id() != left);
            self.selected.take_if(|selected| *selected == left);
        }
    }

    /// No card is looked at: the next [`Queue::replace`] begins with its first.
    pub(super) fn deselect(&mut self) {
        self.selected = None;
    }

    /// Starts anew with all that waits now. `Some` is a card that is looked at and waits no longer: it has ended somehow.
    pub(super) fn replace(&mut self, Pending { interactions: pending, has_more, .. }: Pending) -> Option<RequestId> {
        self.has_more = has_more;
        let waits = |card: &Card| pending.iter().any(|interaction| interaction.request_id == *card.id());
        let gone = self.selected().filter(|(_, card)| !waits(card) && card.ending.is_none());
        let gone = gone.map(|(_, card)| card.id().clone());
        self.cards.retain(|card| waits(card) || self.selected.as_ref() == Some(card.id()));
        pending.into_iter().for_each(|interaction| self.put(interaction));
        if self.selected.is_none() {
            self.selected = self.cards.first().map(|card| card.id().clone());
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn interaction(number: usize) -> Interaction {
        let asked = json!({
            "requestId": format!("c{number:04}"), "kind": "confirmation", "status": "pending", "registeredBy": "agent",
            "createdAt": "2030-01-01T00:00:00.000Z", "metadata": {},
            "confirmation": {"toolName": "shell", "input": {"command": "ls"}},
        });
        serde_json::from_value(asked).unwrap()
    }

    #[test]
    fn the_most_urgent_cards_are_held_and_the_others_asked_for_when_few_are_left() {
        let mut pending = Pending::default();
        (0..3).rev().for_each(|page| pending.add((page * 70..(page + 1) * 70).map(interaction)));
        let mut queue = Queue::default();
        queue.replace(pending);
        assert_eq!((queue.waiting(), queue.has_more(), queue.asks_for_more()), (MOST_CARDS, true, false));
        assert_eq!(queue.cards()[0].id().as_str(), "c0000");
        queue.arrive(interaction(5000));
        assert_eq!(queue.waiting(), MOST_CARDS);
        for number in 0..MOST_CARDS - FEW_CARDS {
            assert!(!queue.asks_for_more());
            queue.remove(&interaction(number).request_id);
        }
        assert!(!queue.asks_for_more());
        queue.remove(&interaction(MOST_CARDS - 1).request_id);
        assert!(queue.asks_for_more() && !queue.asks_for_more());
        let mut last = Pending::default();
        last.add((200..210).map(interaction));
        queue.replace(last);
        assert!(!queue.has_more() && !queue.asks_for_more());
    }
}
