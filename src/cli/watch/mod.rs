//! `countersign watch`: the live queue in the terminal, one key a decision.

mod card;
mod ink;
pub(super) mod menu;
mod page;
mod queue;
mod screen;
mod sources;
pub(super) mod step;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use clap::Args;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers,
};
use ratatui::crossterm::execute;

use self::card::Card;
use self::page::{Move, Page};
use self::queue::Queue;
use self::sources::{UiEvent, Wanted};
use self::step::{Mode, Transition};
use super::failure::Failure;
use super::kinds::{Answer, begin};
use super::time::Now;
use crate::client::{self, Client};
use crate::config::Access;
use crate::domain::enums::Role;
use crate::domain::id::RequestId;
use crate::domain::query::Query;

/// How often the countdowns go on.
const TICK: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
pub(super) struct WatchQueue {
    /// Only what is found by a query, such as: 'kubectl agent:ci risk:high'; `/` changes it
    #[arg(long, short = 'q', value_name = "QUERY", allow_hyphen_values = true)]
    query: Option<Query>,

    #[command(flatten)]
    access: Access,
}

/// The terminal while it is ours; it is given back as it was, however this ends.
struct Screen {
    terminal: DefaultTerminal,
}

impl Screen {
    fn open() -> io::Result<Self> {
        let terminal = ratatui::try_init()?;
        let screen = Self { terminal };
        execute!(io::stdout(), EnableBracketedPaste)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Where even this fails the terminal is gone.
        let _ = execute!(io::stdout(), DisableBracketedPaste);
        let _ = ratatui::try_restore();
    }
}

/// All that the screen shows.
struct Watch {
    client: Arc<Client>,
    tell: Sender<UiEvent>,
    queue: Queue,
    wanted: Wanted,
    page: Option<Page>,
    step: Mode,
    is_live: bool,
    /// What became of the last answer, until the next key.
    note: Option<String>,
}

impl WatchQueue {
    pub(super) fn run(self) -> Result<(), Failure> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            let message = "watch needs a terminal; `countersign list` and `countersign log --follow` do without";
            return Err(Failure::Usage(message.to_owned()));
        }
        let client = Arc::new(Client::open(&self.access, Role::Approver)?);
        // Whatever is wrong with the server or the token is said before the screen is taken.
        let wanted = Wanted::new(self.query.unwrap_or_default());
        let pending = sources::pending(&client, &wanted.get())?;
        let (sender, events) = mpsc::channel();
        let mut watch = Watch {
            client: Arc::clone(&client),
            tell: sender.clone(),
            queue: Queue::default(),
            wanted: wanted.clone(),
            page: None,
            step: Mode::Reading,
            is_live: true,
            note: None,
        };
        watch.queue.replace(pending);
        let mut screen = Screen::open()?;
        sources::stop_on_signals(sender.clone())?;
        sources::read_terminal(sender.clone());
        sources::follow(client, wanted, sender);
        watch.run(&mut screen.terminal, &events)
    }
}

/// Whether to go on.
#[derive(PartialEq, Eq)]
enum Next {
    Go,
    Leave,
}

impl Watch {
    fn run(&mut self, terminal: &mut DefaultTerminal, events: &Receiver<UiEvent>) -> Result<(), Failure> {
        loop {
            if self.queue.asks_for_more() {
                self.refill();
            }
            terminal.draw(|frame| self.draw(frame, Now::read()))?;
            let next = match events.recv_timeout(TICK) {
                Ok(news) => self.hear(news)?,
                Err(RecvTimeoutError::Timeout) => Next::Go,
                Err(RecvTimeoutError::Disconnected) => Next::Leave,
            };
            if next == Next::Leave {
                return Ok(());
            }
        }
    }

    fn hear(&mut self, news: UiEvent) -> Result<Next, Failure> {
        match news {
            UiEvent::Stop => return Ok(Next::Leave),
            UiEvent::Refused(error) => return Err(error.into()),
            UiEvent::Lost => self.is_live = false,
            UiEvent::Terminal(Event::Key(key)) if key.kind == KeyEventKind::Press => return Ok(self.key(key)),
            UiEvent::Terminal(Event::Paste(text)) => self.step.paste(&text),
            UiEvent::Terminal(_) => {}
            UiEvent::Arrived(interaction, found_by) => {
                if found_by == self.wanted.get() {
                    self.queue.arrive(*interaction);
                }
            }
            UiEvent::Pending(pending) => {
                self.is_live = true;
                // What was asked for before the query was another one.
                if pending.found_by != self.wanted.get() {
                    return Ok(Next::Go);
                }
                if let Some(gone) = self.queue.replace(pending) {
                    sources::look(Arc::clone(&self.client), gone, self.tell.clone());
                }
            }
            UiEvent::Ended(request_id, ending) => {
                let is_read = self.queue.selected().is_some_and(|(_, card)| *card.id() == request_id && card.is_open());
                if is_read && !matches!(self.step, Mode::Reading | Mode::Help | Mode::Finding { .. }) {
                    self.step = Mode::Reading;
                    self.note = Some(format!("Already resolved: {ending}."));
                }
                self.queue.end(&request_id, ending);
            }
            UiEvent::Answered(request_id, result) => self.answered(&request_id, result),
        }
        Ok(Next::Go)
    }

    fn key(&mut self, key: KeyEvent) -> Next {
        self.note = None;
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if is_control && key.code == KeyCode::Char('c') {
            return Next::Leave;
        }
        match (&self.step, key.code) {
            (_, KeyCode::Char(_)) if is_control => {}
            (Mode::Finding { .. }, code) => self.find_key(code),
            (Mode::Reading, KeyCode::Char('/')) => self.step = Mode::Finding { text: self.wanted.get().to_string() },
            (Mode::Reading, KeyCode::Char('q')) => return Next::Leave,
            (Mode::Reading, KeyCode::Char('?')) => self.step = Mode::Help,
            (Mode::Reading, code) => self.read_key(code),
            _ => self.turn(|step, card, page| step.key(key, card, page.has_seen_end())),
        }
        Next::Go
    }

    /// What a key does to the query that is typed.
    fn find_key(&mut self, code: KeyCode) {
        let Mode::Finding { text } = &mut self.step else { return };
        if let KeyCode::Char(c) = code {
            text.push(c);
        } else if code == KeyCode::Backspace {
            text.pop();
        } else if code == KeyCode::Esc {
            self.step = Mode::Reading;
        } else if code == KeyCode::Enter {
            match text.parse::<Query>() {
                Ok(query) => self.find(query),
                Err(fault) => self.note = Some(fault),
            }
        }
    }

    /// Shows what a query finds, and nothing else from here on.
    fn find(&mut self, query: Query) {
        self.step = Mode::Reading;
        self.wanted.set(query);
        self.queue.deselect();
        self.refill();
    }

    /// Asks for what waits once more.
    fn refill(&self) {
        sources::refill(Arc::clone(&self.client), self.wanted.get(), self.tell.clone());
    }

    fn read_key(&mut self, code: KeyCode) {
        match (code, &mut self.page) {
            (KeyCode::Char('j') | KeyCode::Down, _) => self.queue.step(1),
            (KeyCode::Char('k') | KeyCode::Up, _) => self.queue.step(-1),
            (KeyCode::Char(' ') | KeyCode::PageDown, Some(page)) => page.move_by(Move::Pages(1)),
            (KeyCode::Char('b') | KeyCode::PageUp, Some(page)) => page.move_by(Move::Pages(-1)),
            (KeyCode::Char('g') | KeyCode::Home, Some(page)) => page.move_by(Move::Start),
            (KeyCode::Char('G') | KeyCode::End, Some(page)) => page.move_by(Move::End),
            (KeyCode::Char(key), _) => self.turn(|_, card, page| begin(key, &card.interaction, page.has_seen_end())),
            _ => {}
        }
    }

    /// Does what comes of a key on the card that is read, where it is open and has been there for long enough.
    fn turn(&mut self, key: impl FnOnce(&mut Mode, &Card, &Page) -> Transition) {
        let turn = match (self.queue.selected(), &self.page) {
            (Some((_, card)), Some(page)) if card.is_open() && page.is_settled(card) => key(&mut self.step, card, page),
            _ => Transition::To(Mode::Reading),
        };
        match turn {
            Transition::Stay => {}
            Transition::To(step) => self.step = step,
            Transition::Send(answer) => self.send(answer),
        }
    }

    /// Sends an answer, and goes on without waiting for what is said to it.
    fn send(&mut self, answer: Answer) {
        self.step = Mode::Reading;
        let Some(request_id) = self.queue.selected().map(|(_, card)| card.id().clone()) else { return };
        if let Some(card) = self.queue.card_mut(&request_id) {
            card.is_sent = true;
        }
        let (client, tell) = (Arc::clone(&self.client), self.tell.clone());
        thread::spawn(move || {
            let result = answer.send(&client, &request_id).map(|()| answer.done());
            let _ = tell.send(UiEvent::Answered(request_id, result));
        });
    }

    fn answered(&mut self, request_id: &RequestId, result: client::Result<&'static str>) {
        match result {
            Ok(done) => {
                self.note = Some(format!("{request_id}: {done}."));
                self.queue.remove(request_id);
            }
            Err(error) => {
                self.note = Some(error.to_string());
                if let Some(card) = self.queue.card_mut(request_id) {
                    card.is_sent = false;
                }
                // Who was faster is on the card as soon as it is known.
                if was_too_late(&error) {
                    sources::look(Arc::clone(&self.client), request_id.clone(), self.tell.clone());
                }
            }
        }
    }
}

/// Whether another person or the deadline was faster.
fn was_too_late(error: &client::Error) -> bool {
    ["already_resolved", "expired"].iter().any(|code| error.is_refusal(code))
}
