//! `countersign watch`: the live queue in the terminal, one key a decision.

mod card;
mod editor;
mod held;
mod ink;
pub(super) mod menu;
mod page;
mod queue;
mod screen;
mod sources;
pub(super) mod step;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use clap::Args;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{Clear, ClearType};

use self::card::Card;
use self::held::{Held, grace};
use self::page::{Move, Page};
use self::queue::Queue;
use self::sources::{Keyboard, UiEvent, Wanted};
use self::step::{Mode, Transition};
use super::completions;
use super::failure::Failure;
use super::kinds::confirmation::approve_edited;
use super::kinds::{Answer, begin};
use super::list::query_of;
use super::open::{link, open_link, pages};
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
    /// Only what is found by these words and fields, such as: kubectl agent:ci risk:high
    #[arg(value_name = "QUERY", conflicts_with = "query")]
    words: Vec<String>,

    /// Only what is found by a query, such as: 'kubectl agent:ci risk:high'; `/` changes it
    #[arg(long, short = 'q', value_name = "QUERY", allow_hyphen_values = true, add = completions::query())]
    query: Option<Query>,

    /// How many seconds an approval or a rejection is held, in which `z` takes it back: 0 to 10
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = grace)]
    grace: Duration,

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

    /// Gives the terminal to another program for as long as `program` takes.
    fn lend<T>(&mut self, program: impl FnOnce() -> T) -> io::Result<T> {
        execute!(io::stdout(), DisableBracketedPaste)?;
        ratatui::try_restore()?;
        let done = program();
        self.terminal = ratatui::try_init()?;
        execute!(io::stdout(), EnableBracketedPaste, Clear(ClearType::All))?;
        Ok(done)
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
    grace: Duration,
    /// The last decision, while it can be taken back.
    held: Option<Held>,
    /// The answers on their way.
    sending: Vec<JoinHandle<()>>,
    keyboard: Keyboard,
}

impl WatchQueue {
    pub(super) fn run(self) -> Result<(), Failure> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            let message = "watch needs a terminal; `countersign list` and `countersign log --follow` do without";
            return Err(Failure::Usage(message.to_owned()));
        }
        let query = query_of(&self.words)?.or(self.query).unwrap_or_default();
        let client = Arc::new(Client::open(&self.access, Role::Approver)?);
        // Whatever is wrong with the server or the token is said before the screen is taken.
        let wanted = Wanted::new(query);
        let pending = sources::pending(&client, &wanted.get())?;
        let (sender, events) = mpsc::channel();
        let mut watch = Watch::new(Arc::clone(&client), sender.clone(), wanted.clone(), self.grace);
        watch.queue.replace(pending);
        let mut screen = Screen::open()?;
        sources::stop_on_signals(sender.clone())?;
        watch.keyboard.read(sender.clone());
        sources::follow(client, wanted, sender);
        let left = watch.run(&mut screen, &events);
        // Whatever ends this, what was decided is sent.
        let sent = watch.flush();
        drop(screen);
        left.and(sent)
    }
}

/// Whether to go on.
#[derive(PartialEq, Eq)]
enum Next {
    Go,
    /// The terminal is the editor's for a while.
    Edit,
    Leave,
}

impl Watch {
    fn new(client: Arc<Client>, tell: Sender<UiEvent>, wanted: Wanted, grace: Duration) -> Self {
        Self {
            client,
            tell,
            queue: Queue::default(),
            wanted,
            page: None,
            step: Mode::Reading,
            is_live: true,
            note: None,
            grace,
            held: None,
            sending: Vec::new(),
            keyboard: Keyboard::default(),
        }
    }

    fn run(&mut self, screen: &mut Screen, events: &Receiver<UiEvent>) -> Result<(), Failure> {
        loop {
            if let Some(held) = self.held.take_if(|held| held.is_due()) {
                self.send(held.request_id, held.answer);
            }
            if self.queue.asks_for_more() {
                self.refill();
            }
            screen.terminal.draw(|frame| self.draw(frame, Now::read()))?;
            let next = match events.recv_timeout(TICK) {
                Ok(news) => self.hear(news)?,
                Err(RecvTimeoutError::Timeout) => Next::Go,
                Err(RecvTimeoutError::Disconnected) => Next::Leave,
            };
            match next {
                Next::Go => {}
                Next::Edit => self.edit(screen)?,
                Next::Leave => return Ok(()),
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
            UiEvent::Said(note) => self.note = Some(note),
            UiEvent::Ended(request_id, ending) => {
                if self.held.take_if(|held| held.request_id == request_id).is_some() {
                    self.note = Some(format!("Already resolved: {ending}. Yours was not sent."));
                    self.queue.card_mut(&request_id).into_iter().for_each(|card| card.held = None);
                }
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
            (Mode::Reading, code) => return self.read_key(code),
            _ => return self.turn(None, |step, card, page| step.key(key, card, page.has_seen_end())),
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

    fn read_key(&mut self, code: KeyCode) -> Next {
        match (code, &mut self.page) {
            (KeyCode::Char('j') | KeyCode::Down, _) => self.queue.step(1),
            (KeyCode::Char('k') | KeyCode::Up, _) => self.queue.step(-1),
            (KeyCode::Char(' ') | KeyCode::PageDown, Some(page)) => page.move_by(Move::Pages(1)),
            (KeyCode::Char('b') | KeyCode::PageUp, Some(page)) => page.move_by(Move::Pages(-1)),
            (KeyCode::Char('g') | KeyCode::Home, Some(page)) => page.move_by(Move::Start),
            (KeyCode::Char('G') | KeyCode::End, Some(page)) => page.move_by(Move::End),
            (KeyCode::Char('z'), _) => self.take_back(),
            (KeyCode::Char('c'), _) => self.copy(),
            (KeyCode::Char('o'), _) => self.open_page(),
            (KeyCode::Char(key), _) => {
                return self.turn(Some(key), |_, card, page| begin(key, &card.interaction, page.has_seen_end()));
            }
            _ => {}
        }
        Next::Go
    }

    /// Does what comes of a key on the card that is read, where it is open and has been there for long enough. The first `key`
    /// on a card that comes to nothing is answered with a word.
    fn turn(&mut self, key: Option<char>, does: impl FnOnce(&mut Mode, &Card, &Page) -> Transition) -> Next {
        let (turn, why) = match (self.queue.selected(), &self.page) {
            (Some((_, card)), Some(page)) if card.is_open() && page.is_settled(card) => {
                (does(&mut self.step, card, page), "does nothing here; ? lists the keys")
            }
            (Some((_, card)), _) if card.is_open() => {
                (Transition::To(Mode::Reading), "came as the card did: press it again")
            }
            (Some(_), _) => (Transition::To(Mode::Reading), "does nothing here: this one is decided"),
            (None, _) => (Transition::To(Mode::Reading), "does nothing: no card is there to decide"),
        };
        match turn {
            Transition::Stay => self.note = self.note.take().or(key.map(|key| format!("{key} {why}."))),
            Transition::To(Mode::Reading) => {
                self.step = Mode::Reading;
                self.note = key.map(|key| format!("{key} {why}."));
            }
            Transition::To(step) => self.step = step,
            Transition::Say(words) => self.note = Some(words.to_owned()),
            Transition::Edit => return Next::Edit,
            Transition::Send(answer) => self.decide(answer),
        }
        Next::Go
    }

    /// Holds an answer for a moment, or sends it, and goes on to the next card.
    fn decide(&mut self, answer: Answer) {
        self.step = Mode::Reading;
        let Some((request_id, about)) = self.queue.selected().map(|(_, card)| (card.id().clone(), card.about())) else {
            return;
        };
        if let Some(before) = self.held.take() {
            self.send(before.request_id, before.answer);
        }
        if self.grace.is_zero() || !answer.is_held() {
            self.send(request_id, answer);
            return;
        }
        if let Some(card) = self.queue.card_mut(&request_id) {
            card.held = Some(answer.done());
        }
        self.held = Some(Held::new(request_id, answer, about, self.grace));
        self.queue.step(1);
    }

    /// Takes the last decision back, where it has not been sent.
    fn take_back(&mut self) {
        let Some(Held { request_id, about, .. }) = self.held.take() else {
            self.note = Some("z takes back the last decision while it is held, and none is.".to_owned());
            return;
        };
        if let Some(card) = self.queue.card_mut(&request_id) {
            card.held = None;
        }
        self.queue.select(&request_id);
        self.note = Some(format!("Taken back: {about}."));
    }

    /// Sends what is held, and waits until all is sent.
    fn flush(&mut self) -> Result<(), Failure> {
        let held = self.held.take().map(|held| held.answer.send(&self.client, &held.request_id));
        for sent in self.sending.drain(..) {
            // It ends by itself, and never by a panic.
            let _ = sent.join();
        }
        Ok(held.transpose().map(|_| ())?)
    }

    /// Sends an answer, without waiting for what is said to it.
    fn send(&mut self, request_id: RequestId, answer: Answer) {
        if let Some(card) = self.queue.card_mut(&request_id) {
            card.is_sent = true;
            card.held = None;
        }
        let (client, tell) = (Arc::clone(&self.client), self.tell.clone());
        self.sending.retain(|sent| !sent.is_finished());
        self.sending.push(thread::spawn(move || {
            let result = answer.send(&client, &request_id).map(|()| answer.done());
            let _ = tell.send(UiEvent::Answered(request_id, result));
        }));
    }

    /// Gives the terminal to the person's editor, and asks whether the input is approved as they leave it.
    fn edit(&mut self, screen: &mut Screen) -> io::Result<()> {
        let asked = self.queue.selected().and_then(|(_, card)| card.interaction.confirmation.clone());
        let Some(asked) = asked else { return Ok(()) };
        let edited = {
            let _lent = self.keyboard.lend();
            screen.lend(|| editor::edit(&asked.input))?
        };
        match edited {
            Ok(Some(updated)) => self.step = approve_edited(&asked, updated),
            Ok(None) => self.note = Some("Nothing was changed, and nothing is approved.".to_owned()),
            Err(why) => self.note = Some(why),
        }
        Ok(())
    }

    /// Hands what is asked to the terminal's clipboard (OSC 52).
    fn copy(&mut self) {
        let Some((_, card)) = self.queue.selected() else { return };
        let copied = BASE64.encode(card.text());
        let sent = write!(io::stdout(), "\u{1b}]52;c;{copied}\u{7}").and_then(|()| io::stdout().flush());
        let sent = sent.map(|()| "Copied, where this terminal lets programs do that.".to_owned());
        self.note = Some(sent.unwrap_or_else(|error| error.to_string()));
    }

    /// Opens the page of what is read.
    fn open_page(&mut self) {
        let Some(id) = self.queue.selected().map(|(_, card)| card.id().clone()) else { return };
        let (client, tell) = (Arc::clone(&self.client), self.tell.clone());
        thread::spawn(move || {
            let said = match pages(&client).map(|pages| link(&pages, &id)) {
                Some(link) if open_link(&link) => format!("Opened {link}"),
                Some(link) => format!("Nothing opens links here: {link}"),
                None => "A browser cannot call a Unix socket.".to_owned(),
            };
            let _ = tell.send(UiEvent::Said(said));
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
