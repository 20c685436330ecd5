//! The model: random requests, pauses and restarts, each done with a real server and with an oracle written from the
//! contract alone. Every answer and, from time to time, every table has to be what the oracle says.

mod actors;
mod coverage;
mod fixture;
mod generate;
mod oracle;
mod request;
mod tables;
mod tour;

use std::panic::{AssertUnwindSafe, catch_unwind};

use self::coverage::Coverage;
use self::fixture::Fixture;
use self::generate::{Action, Author};
use self::request::Request;
use self::tour::Tour;
use crate::run::{Found, Run};
use crate::seeded_rng::SeededRng;

/// How many steps one server lives through.
const STEPS_OF_AN_EPISODE: usize = 400;

/// How many kinds of answers are so rare that the long form may meet none of them by chance.
const RARE: usize = 10;

/// How many of the latest steps are shown where one goes wrong.
const SHOWN: usize = 12;

pub(crate) fn prove(run: &Run) -> Found {
    let episodes = run.amount(6, 150);
    let mut rng = SeededRng::new(run.seed);
    let (mut met, mut toured) = (Coverage::default(), Coverage::default());
    for episode in 0..episodes {
        let mut rng = SeededRng::new(rng.seed());
        play(episode, &mut rng, &mut met, (episode == 0).then_some(&mut toured));
    }
    assert!(met.unknown().is_empty(), "answers that no table knows: {:?}", met.unknown());
    assert!(toured.missing().is_empty(), "never met, so the tour leaves it out: {:?}", toured.missing());
    if run.long {
        let missing = met.missing();
        assert!(missing.len() <= RARE, "chance met none of these, so it is blind there: {missing:?}");
        assert_eq!(met.verbs(), toured.verbs(), "chance left out an operation: {missing:?}");
    }
    Found::Held(vec![
        ("steps", (episodes * STEPS_OF_AN_EPISODE).to_string()),
        ("operations", met.verbs().to_string()),
        ("answer kinds", format!("{} of {}", toured.kinds(), Coverage::all_kinds())),
        ("met by chance, too", met.kinds().to_string()),
    ])
}

/// The life of one server, with a tour in the middle where its answers are to be counted; panics where it is not what the
/// oracle says.
fn play(episode: usize, rng: &mut SeededRng, met: &mut Coverage, mut tour: Option<&mut Coverage>) {
    let settings = if tour.is_some() { tour::SETTINGS } else { generate::settings(rng) };
    let mut fixture = Fixture::start(settings, rng);
    let (mut asked, mut done): (Vec<Request>, Vec<Action>) = (Vec::new(), Vec::new());
    for step in 0..STEPS_OF_AN_EPISODE {
        if step == STEPS_OF_AN_EPISODE / 2
            && let Some(toured) = tour.take()
        {
            Tour::new(&mut fixture, toured).take();
        }
        let is_last = step + 1 == STEPS_OF_AN_EPISODE;
        let action = if is_last { Action::Compare } else { Author { oracle: &fixture.oracle, rng }.next(&asked) };
        done.push(action.clone());
        // An answer that the oracle cannot even take in is shown like one that differs.
        let acted = catch_unwind(AssertUnwindSafe(|| fixture.act(&action, met)));
        let wrong = match acted {
            Ok(Ok(())) => None,
            Ok(Err(wrong)) => Some(wrong),
            Err(_) => Some("the oracle could not go on: see above".to_owned()),
        };
        if let Some(wrong) = wrong {
            let latest = &done[done.len().saturating_sub(SHOWN)..];
            let latest: Vec<_> = latest.iter().map(|action| format!("  {action:?}")).collect();
            panic!("episode {episode}, step {step}: {wrong}\nThe latest steps:\n{}", latest.join("\n"));
        }
        if let Action::Ask(request) = action {
            asked.push(*request);
        }
    }
}
