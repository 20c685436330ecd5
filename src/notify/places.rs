//! How many connections there are to one address at a time, whatever it is called: a receiver that is slow keeps no more of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most connections to one address.
const MOST: usize = 16;

/// The connections to each address.
#[derive(Default)]
pub(super) struct Places(Mutex<HashMap<IpAddr, Arc<Semaphore>>>);

/// One connection, until this is dropped.
pub(super) struct Place(#[expect(dead_code, reason = "held until the connection ends")] OwnedSemaphorePermit);

impl Places {
    /// Waits until there may be one more connection to an address.
    pub(super) async fn enter(&self, address: IpAddr) -> Option<Place> {
        let places = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody has or waits for a place at these.
            all.retain(|_, places| Arc::strong_count(places) > 1 || places.available_permits() < MOST);
            Arc::clone(all.entry(address).or_insert_with(|| Arc::new(Semaphore::new(MOST))))
        };
        places.acquire_owned().await.ok().map(Place)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn to_one_address_there_are_so_many_connections_and_to_another_one_more() {
        let (places, mut context) = (Places::default(), Context::from_waker(Waker::noop()));
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let mut enter = |address| match pin!(places.enter(address)).poll(&mut context) {
            Poll::Ready(place) => place,
            Poll::Pending => None,
        };
        let mut taken: Vec<Place> = (0..MOST).map(|_| enter(one).unwrap()).collect();
        assert!(enter(one).is_none());
        assert!(enter(other).is_some());
        taken.pop();
        assert!(enter(one).is_some());
        drop(taken);
        assert!(enter(other).is_some());
        assert_eq!(places.0.lock().unwrap().len(), 1, "what nobody calls is forgotten");
    }
}
