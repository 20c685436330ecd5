//! Where news comes from: the keyboard, the server's feed, and signals to end this process. Each has a thread of its
//! own, and none outlives the process.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};

use super::queue::Pending;
use crate::api::{AuditEvent, Interaction, ListInteractions, Resolution, WaitInteraction, WithRaw};
use crate::cli::interrupt::Interrupts;
use crate::client::{self, Client, pause};
use crate::domain::id::RequestId;
use crate::domain::interaction::{ResolvedBy, Status};
use crate::domain::query::Query;
use crate::present::Ending;

/// How many interactions a page has that is asked for.
const PAGE: u32 = 100;

/// How long to wait before looking for a lost server again.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Something that happened.
pub(super) enum UiEvent {
    /// At the terminal.
    Terminal(Event),
    /// The server is there: this is what waits.
    Pending(Pending),
    /// One more waits, which this query finds.
    Arrived(Box<Interaction>, Query),
    /// One waits no longer.
    Ended(RequestId, Ending),
    /// The server is not there, for now.
    Lost,
    /// The server will not tell any more.
    Refused(client::Error),
    /// There is something to know.
    Said(String),
    /// What the server says to an answer, with the word for it.
    Answered(RequestId, client::Result<&'static str>),
    /// A signal asked this process to end.
    Stop,
}

/// The query that finds what is shown; it changes while the feed is followed.
#[derive(Clone)]
pub(super) struct Wanted(Arc<Mutex<Query>>);

impl Wanted {
    pub(super) fn new(query: Query) -> Self {
        Self(Arc::new(Mutex::new(query)))
    }

    pub(super) fn get(&self) -> Query {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set(&self, query: Query) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = query;
    }
}

/// Tells when a signal asks for the end, so that the terminal is given back first.
pub(super) fn stop_on_signals(tell: Sender<UiEvent>) -> io::Result<()> {
    let interrupts = Interrupts::<()>::new()?;
    thread::spawn(move || {
        // This fails only when the receiver is gone.
        let _ = interrupts.next().map(|_| tell.send(UiEvent::Stop));
    });
    Ok(())
}

/// How long the keyboard is listened to without a look at whether the terminal is lent.
const GLANCE: Duration = Duration::from_millis(50);

/// Reads what is typed, unless the terminal is lent to another program.
#[derive(Clone, Default)]
pub(super) struct Keyboard(Arc<Turns>);

#[derive(Default)]
struct Turns {
    /// Whether another program has the terminal, or is to have it.
    is_lent: AtomicBool,
    /// Held while something is read.
    reads: Mutex<()>,
}

/// Nothing is read until this is dropped.
pub(super) struct Lent<'k>(&'k Turns);

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.0.is_lent.store(false, Ordering::SeqCst);
    }
}

impl Keyboard {
    /// Tells what is typed.
    pub(super) fn read(&self, tell: Sender<UiEvent>) {
        let turns = Arc::clone(&self.0);
        thread::spawn(move || {
            while let Ok(event) = turns.next_event() {
                if event.is_some_and(|event| tell.send(UiEvent::Terminal(event)).is_err()) {
                    return;
                }
            }
            // The terminal is gone.
            let _ = tell.send(UiEvent::Stop);
        });
    }

    /// Lends the terminal, once nothing is read from it any more.
    pub(super) fn lend(&self) -> Lent<'_> {
        self.0.is_lent.store(true, Ordering::SeqCst);
        drop(self.0.reads.lock().unwrap_or_else(PoisonError::into_inner));
        Lent(&self.0)
    }
}

impl Turns {
    fn next_event(&self) -> io::Result<Option<Event>> {
        // Not while it holds what the borrower waits for: it would take it again before that one has woken up.
        if self.is_lent.load(Ordering::SeqCst) {
            thread::park_timeout(GLANCE);
            return Ok(None);
        }
        let _reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_lent.load(Ordering::SeqCst) {
            return Ok(None);
        }
        if event::poll(GLANCE)? { event::read().map(Some) } else { Ok(None) }
    }
}

/// Tells what happens at the server, from now on and across its restarts.
pub(super) fn follow(client: Arc<Client>, wanted: Wanted, tell: Sender<UiEvent>) {
    thread::spawn(move || {
        let mut feed = client.feed(None);
        loop {
            // The feed is open before the queue is read: what happens in between comes through it.
            let begun = feed.connect().and_then(|()| pending(&client, &wanted.get()));
            let error = match begun.map(UiEvent::Pending).map(|news| tell.send(news)) {
                Ok(Ok(())) => match pass_on(&client, &wanted, &mut feed, &tell) {
                    Some(error) => error,
                    None => return,
                },
                Ok(Err(_)) => return,
                Err(error) => error,
            };
            let news = if error.is_transient() { UiEvent::Lost } else { UiEvent::Refused(error) };
            let is_over = matches!(news, UiEvent::Refused(_));
            if tell.send(news).is_err() || is_over {
                return;
            }
            pause(RETRY_AFTER);
        }
    });
}

/// The most urgent of all that waits, page by page, so that no more than a page is held beside them.
pub(super) fn pending(client: &Client, wanted: &Query) -> client::Result<Pending> {
    let mut pending = Pending { found_by: wanted.clone(), ..Pending::default() };
    let mut query = ListInteractions { limit: Some(PAGE), ..found_by(wanted) };
    loop {
        let page = client.list_interactions(&query)?;
        pending.add(page.interactions.into_iter().map(|item| item.value));
        if page.next_cursor.is_none() {
            return Ok(pending);
        }
        query.cursor = page.next_cursor;
    }
}

/// What waits and is found by a query.
fn found_by(wanted: &Query) -> ListInteractions {
    let q = Some(wanted.clone()).filter(|query| !query.is_empty());
    ListInteractions { status: vec!["pending".to_owned()], q, ..ListInteractions::default() }
}

/// Asks for what waits once more.
pub(super) fn refill(client: Arc<Client>, wanted: Query, tell: Sender<UiEvent>) {
    thread::spawn(move || {
        // Where the server is away, the feed finds that out, and comes back with what waits then.
        if let Ok(pending) = pending(&client, &wanted) {
            let _ = tell.send(UiEvent::Pending(pending));
        }
    });
}

/// Passes on what the feed brings until it ends, and why; `None` when the receiver is gone.
fn pass_on(
    client: &Client,
    wanted: &Wanted,
    feed: &mut client::Feed<'_>,
    tell: &Sender<UiEvent>,
) -> Option<client::Error> {
    loop {
        let news = match feed.next()?.and_then(|event| news_of(client, &wanted.get(), event)) {
            Ok(Some(news)) => news,
            Ok(None) => continue,
            Err(error) => return Some(error),
        };
        tell.send(news).ok()?;
    }
}

fn news_of(client: &Client, wanted: &Query, event: WithRaw<AuditEvent>) -> client::Result<Option<UiEvent>> {
    let AuditEvent { event, request_id: Some(request_id), rule_id, principal, .. } = event.value else {
        return Ok(None);
    };
    let Some(what) = event.strip_prefix("interaction.") else { return Ok(None) };
    if what == "registered" {
        let interaction = client.get_interaction(&request_id, &WaitInteraction::default())?.value;
        let is_found = interaction.outcome().is_none() && finds(client, wanted, &request_id)?;
        return Ok(is_found.then(|| UiEvent::Arrived(Box::new(interaction), wanted.clone())));
    }
    let outcome = what.parse().ok();
    let by = principal.map(ResolvedBy::Principal).or_else(|| rule_id.map(ResolvedBy::TrustRule));
    Ok(outcome.map(|outcome| UiEvent::Ended(request_id, Ending::new(outcome, by.as_ref()))))
}

/// Whether a query finds this one: only the server can tell.
fn finds(client: &Client, wanted: &Query, request_id: &RequestId) -> client::Result<bool> {
    if wanted.is_empty() {
        return Ok(true);
    }
    let id_prefix = request_id.as_str().parse().ok();
    let page = client.list_interactions(&ListInteractions { id_prefix, limit: Some(PAGE), ..found_by(wanted) })?;
    Ok(page.interactions.iter().any(|item| item.value.request_id == *request_id))
}

/// Finds out how an interaction ended that waits no longer.
pub(super) fn look(client: Arc<Client>, request_id: RequestId, tell: Sender<UiEvent>) {
    thread::spawn(move || {
        let found = client.get_interaction(&request_id, &WaitInteraction::default());
        let Ok(Interaction { status, resolution, .. }) = found.map(|found| found.value) else { return };
        let Status::Resolved(outcome) = status else { return };
        let ending = Ending::new(outcome, resolution.as_ref().map(Resolution::resolved_by));
        let _ = tell.send(UiEvent::Ended(request_id, ending));
    });
}
