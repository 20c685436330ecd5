//! Linearizability: whatever several threads ask of one confirmation at the same moment, some order of it, one after the
//! other, explains every answer. The histories are of a real server and real clients; every order is tried (stateright).

mod history;
mod planted;
mod spec;

use self::history::Fixture;
use crate::run::{Found, Run};
use crate::seeded_rng::SeededRng;

/// How many requests the histories have that lies are made of: to refute one takes the search through every order.
const LIED_ABOUT: usize = 8;

pub(crate) fn prove(run: &Run) -> Found {
    let histories = run.amount(500, 20_000);
    let mut rng = SeededRng::new(run.seed);
    let fixture = Fixture::start();
    let (mut operations, mut planted, mut caught) = (0, 0, 0);
    for number in 0..histories {
        let history = fixture.play(number, &mut rng);
        operations += history.len();
        assert!(history.is_linearizable(), "no order explains history {number}: {history:#?}");
        if history.len() <= LIED_ABOUT {
            let lies = planted::lies(&history);
            planted += lies.len();
            caught += lies.iter().filter(|lie| !lie.is_linearizable()).count();
        }
    }
    assert_eq!(caught, planted, "a planted lie was believed: the checker proves nothing");
    Found::Held(vec![
        ("histories", histories.to_string()),
        ("operations", operations.to_string()),
        ("violations", "0".to_owned()),
        ("planted", planted.to_string()),
        ("caught", caught.to_string()),
    ])
}
