//! A queue for a few places in which principals take turns: one that asks often waits behind its own requests, and the others
//! do not.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::domain::id::PrincipalName;

/// Who asks; `None` for clients that are not known yet, who take their turn together.
pub(crate) type Asker = Option<PrincipalName>;

/// The places and the queue for them.
#[derive(Debug)]
pub(crate) struct FairQueue {
    /// How many places one asker may have at once.
    most_each: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// How many places each asker has.
    taken: HashMap<Asker, usize>,
    /// Who waits, in the order of their turns; each is in it once.
    turns: VecDeque<Asker>,
    /// What each of them waits for, the oldest first.
    waiting: HashMap<Asker, VecDeque<oneshot::Sender<Place>>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    /// There until it is given back.
    queue: Option<Arc<FairQueue>>,
    asker: Asker,
    /// Whether nobody else may have it yet.
    is_taken: bool,
}

impl FairQueue {
    /// A queue for so many places, of which each asker may have so many at once.
    pub(crate) fn new(places: usize, most_each: usize) -> Arc<Self> {
        let state = State { free: places, taken: HashMap::new(), turns: VecDeque::new(), waiting: HashMap::new() };
        Arc::new(Self { most_each, state: Mutex::new(state) })
    }

    /// Waits for a place.
    pub(crate) async fn enter(self: &Arc<Self>, asker: &Asker) -> Option<Place> {
        let (give, given) = oneshot::channel();
        self.state().push(asker, give);
        self.hand_out();
        given.await.ok()
    }

    /// Gives what places are free to those whose turn it is.
    fn hand_out(self: &Arc<Self>) {
        loop {
            let Some((asker, give)) = self.state().next(self.most_each) else { return };
            // A place that no longer has a taker is the next one's; as a loop, for there may be many such.
            if let Err(mut place) = give.send(Place { queue: Some(Arc::clone(self)), asker, is_taken: true }) {
                place.give_back();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in this file can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, asker: &Asker, give: oneshot::Sender<Place>) {
        let own = self.waiting.entry(asker.clone()).or_default();
        own.push_back(give);
        if own.len() == 1 {
            self.turns.push_back(asker.clone());
        }
    }

    /// Takes a free place for the asker whose turn it is and that may have one more.
    fn next(&mut self, most_each: usize) -> Option<(Asker, oneshot::Sender<Place>)> {
        if self.free == 0 {
            return None;
        }
        let may = |asker: &Asker| self.taken.get(asker).is_none_or(|taken| *taken < most_each);
        let asker = self.turns.iter().position(may).and_then(|turn| self.turns.remove(turn))?;
        let own = self.waiting.get_mut(&asker)?;
        let give = own.pop_front()?;
        if own.is_empty() {
            self.waiting.remove(&asker);
        } else {
            self.turns.push_back(asker.clone());
        }
        self.free -= 1;
        *self.taken.entry(asker.clone()).or_default() += 1;
        Some((asker, give))
    }
}

impl Place {
    /// Lets others have the place, while it counts for its asker until it is dropped.
    pub(crate) fn leave_to_others(&mut self) {
        let Some(queue) = self.queue.clone().filter(|_| mem::take(&mut self.is_taken)) else { return };
        queue.state().free += 1;
        queue.hand_out();
    }

    /// Gives the place back, once; returns the queue that may hand it out again.
    fn give_back(&mut self) -> Option<Arc<FairQueue>> {
        let queue = self.queue.take()?;
        let mut state = queue.state();
        state.free += usize::from(self.is_taken);
        if let Some(taken) = state.taken.get_mut(&self.asker) {
            *taken -= 1;
            if *taken == 0 {
                state.taken.remove(&self.asker);
            }
        }
        drop(state);
        Some(queue)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(queue) = self.give_back() {
            queue.hand_out();
        }
    }
}

#[cfg(test)]
impl FairQueue {
    /// How many places an asker has or waits for.
    pub(crate) fn known(&self, asker: &Asker) -> usize {
        let state = self.state();
        state.taken.get(asker).copied().unwrap_or_default() + state.waiting.get(asker).map_or(0, VecDeque::len)
    }

    /// Whether nothing of any asker is kept.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state();
        state.taken.is_empty() && state.waiting.is_empty() && state.turns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn asker(name: &str) -> Asker {
        Some(name.parse().unwrap())
    }

    /// Whether its turn has come.
    fn poll(entering: std::pin::Pin<&mut impl Future<Output = Option<Place>>>) -> Option<Place> {
        match entering.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(place) => Some(place.unwrap()),
            Poll::Pending => None,
        }
    }

    #[test]
    fn one_that_asks_often_waits_behind_its_own_requests() {
        let queue = FairQueue::new(1, 1);
        let (ada, bob) = (asker("ada"), asker("bob"));
        let first = poll(pin!(queue.enter(&ada))).unwrap();
        let (mut second, mut third) = (pin!(queue.enter(&ada)), pin!(queue.enter(&ada)));
        assert!(poll(second.as_mut()).is_none() && poll(third.as_mut()).is_none());
        let mut other = pin!(queue.enter(&bob));
        assert!(poll(other.as_mut()).is_none());
        drop(first);
        let place = poll(second.as_mut()).unwrap();
        assert!(poll(third.as_mut()).is_none() && poll(other.as_mut()).is_none());
        drop(place);
        assert!(poll(third.as_mut()).is_none());
        drop(poll(other.as_mut()).unwrap());
        drop(poll(third.as_mut()).unwrap());
        assert!(queue.state().waiting.is_empty() && queue.state().taken.is_empty());
    }

    #[test]
    fn one_place_is_left_to_the_next_principal() {
        let queue = FairQueue::new(2, 1);
        let (ada, bob) = (asker("ada"), asker("bob"));
        let _first = poll(pin!(queue.enter(&ada))).unwrap();
        {
            // One that goes away while it waits takes no place with it.
            let mut gone = pin!(queue.enter(&ada));
            assert!(poll(gone.as_mut()).is_none());
        }
        let _others = poll(pin!(queue.enter(&bob))).unwrap();
        let mut second = pin!(queue.enter(&ada));
        assert!(poll(second.as_mut()).is_none());
        drop(_first);
        assert!(poll(second.as_mut()).is_some());
    }
}
