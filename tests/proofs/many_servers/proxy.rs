//! What stands between a server and PostgreSQL, and loses what it is told to lose.
//!
//! It knows as much of the protocol as it needs. The first message of a connection has no type; after that each has one byte of it and
//! four of its length. A question ends with a Query or a Sync, and its answer with ReadyForQuery: several questions may be on their way
//! before the first answer comes.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What happens to one question, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) mode: Mode,
    pub(super) place: Place,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The connection is lost before the question is whole.
    Cut,
    /// PostgreSQL does what it is asked, and the answer is lost with the connection.
    LoseAnswer,
    /// For longer than a turn may be silent, the answer does not come through, and then all of it.
    Delay,
}

/// To which question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The one of this number in a turn: BEGIN is the first, and has the number 0.
    Turn(usize),
    /// COMMIT.
    Commit,
    /// What a server reads of what others commit.
    News,
    /// What it rings with.
    Ring,
    /// The one of this number in a transaction that reads.
    Read(usize),
}

impl Fault {
    /// Each mode at each place: a turn that registers something, and a read, have these questions at least.
    pub(super) fn all() -> Vec<Self> {
        let turn = (0..=5).map(Place::Turn);
        let places = turn.chain([Place::Commit, Place::News, Place::Ring, Place::Read(0), Place::Read(1)]);
        places.flat_map(|place| [Mode::Cut, Mode::LoseAnswer, Mode::Delay].map(|mode| Self { mode, place })).collect()
    }
}

/// What begins a transaction that reads.
const START: &[u8] = b"START TRANSACTION";
/// What begins a turn, and what ends it.
const BEGIN: &[u8] = b"BEGIN ISOLATION LEVEL READ COMMITTED";
const COMMIT: &[u8] = b"COMMIT\0";
/// With what a server begins to hear of others.
const LISTEN: &[u8] = b"LISTEN countersign\0";
/// How a server rings, and the same where nobody hears it.
const RING: &[u8] = b"NOTIFY countersign\0";
const ELSEWHERE: &[u8] = b"NOTIFY nobody_here\0";

/// How long a delay is.
const DELAY: Duration = Duration::from_millis(1500);

/// The proxy of one server.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    armed: Arc<Mutex<Option<Fault>>>,
    done: Arc<AtomicUsize>,
    lost_rings: Arc<AtomicUsize>,
    is_mute: Arc<AtomicBool>,
}

impl Proxy {
    /// Stands before the PostgreSQL whose socket is in this folder.
    pub(super) fn before(folder: &Path) -> Self {
        Self::standing(Ipv4Addr::LOCALHOST, folder, false)
    }

    /// The same, at this address.
    pub(super) fn at(address: Ipv4Addr, folder: &Path) -> Self {
        Self::standing(address, folder, false)
    }

    /// The same, and nobody hears when the server rings.
    pub(super) fn losing_rings(folder: &Path) -> Self {
        Self::standing(Ipv4Addr::LOCALHOST, folder, true)
    }

    fn standing(address: Ipv4Addr, folder: &Path, loses_rings: bool) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (armed, done) = (Arc::new(Mutex::new(None)), Arc::new(AtomicUsize::new(0)));
        let socket = folder.join(".s.PGSQL.5432");
        let (lost_rings, is_mute) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let passage = Passage {
            armed: Arc::clone(&armed),
            done: Arc::clone(&done),
            lost_rings: Arc::clone(&lost_rings),
            loses_rings,
            is_mute: Arc::clone(&is_mute),
            socket,
            talk: Arc::default(),
        };
        thread::spawn(move || {
            for client in listener.incoming() {
                let passage = Passage { talk: Arc::default(), ..passage.clone() };
                let client = client.unwrap();
                // PostgreSQL may be away: then the client is told by the end of the connection.
                thread::spawn(move || passage.carry(client));
            }
        });
        Self { address, armed, done, lost_rings, is_mute }
    }

    /// From now on nothing that PostgreSQL says comes through, and all connections stay.
    pub(super) fn fall_mute(&self) {
        self.is_mute.store(true, Ordering::Release);
    }

    /// The next question that it is about meets this.
    pub(super) fn arm(&self, fault: Fault) {
        *self.armed.lock().unwrap() = Some(fault);
    }

    /// How many faults have happened.
    pub(super) fn done(&self) -> usize {
        self.done.load(Ordering::Acquire)
    }

    /// How many rings were lost.
    pub(super) fn lost_rings(&self) -> usize {
        self.lost_rings.load(Ordering::Acquire)
    }
}

#[derive(Clone)]
struct Passage {
    armed: Arc<Mutex<Option<Fault>>>,
    done: Arc<AtomicUsize>,
    lost_rings: Arc<AtomicUsize>,
    loses_rings: bool,
    is_mute: Arc<AtomicBool>,
    socket: PathBuf,
    talk: Arc<Mutex<Talk>>,
}

impl Passage {
    fn carry(self, client: TcpStream) {
        let Ok(database) = UnixStream::connect(&self.socket) else { return };
        client.set_nodelay(true).unwrap();
        let (there, back) = ((client.try_clone().unwrap(), database.try_clone().unwrap()), (database, client));
        let answers = self.clone();
        thread::spawn(move || {
            let (mut from, mut to) = back;
            let _ = answers.pass(&mut from, &mut to, false);
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        });
        let (mut from, mut to) = there;
        let _ = self.pass(&mut from, &mut to, true);
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    /// Passes messages until the connection ends, or is ended here.
    fn pass(&self, from: &mut impl Read, to: &mut impl Write, is_asking: bool) -> io::Result<()> {
        let mut is_first = is_asking;
        loop {
            let mut message = message(from, is_first)?;
            if self.loses_rings && is_asking && text(&message) == RING {
                // As long as it was, and answered like it: on a channel to which nobody listens.
                message[5..].copy_from_slice(ELSEWHERE);
                self.lost_rings.fetch_add(1, Ordering::AcqRel);
            }
            let met = if is_asking { self.asked(&message, is_first) } else { self.answered(&message) };
            if let Some(mode) = met {
                self.done.fetch_add(1, Ordering::AcqRel);
                if mode != Mode::Delay {
                    return Ok(());
                }
                // What is tried is that nothing comes for so long.
                #[expect(clippy::disallowed_methods, reason = "the silence is the fault")]
                thread::sleep(DELAY);
            }
            if is_asking || !self.is_mute.load(Ordering::Acquire) {
                to.write_all(&message)?;
            }
            is_first = false;
        }
    }

    /// What happens to a message of the server: where a question ends, the fault that is armed for it. One that is about its answer is
    /// kept for that.
    fn asked(&self, message: &[u8], is_first: bool) -> Option<Mode> {
        if !is_first && ![b'Q', b'S'].contains(&message[0]) {
            return None;
        }
        let mut talk = self.talk.lock().unwrap();
        // The first one opens the connection.
        let place = if is_first { None } else { talk.place(text(message)) };
        let mode = self.armed.lock().unwrap().take_if(|fault| Some(fault.place) == place).map(|fault| fault.mode);
        talk.unanswered.push_back(mode.filter(|mode| *mode != Mode::Cut));
        mode.filter(|mode| *mode == Mode::Cut)
    }

    /// What happens to a message of PostgreSQL.
    fn answered(&self, message: &[u8]) -> Option<Mode> {
        // What it tells unasked answers nothing.
        if [b'A', b'N'].contains(&message[0]) {
            return None;
        }
        let mut talk = self.talk.lock().unwrap();
        let mode = talk.unanswered.front_mut().and_then(Option::take);
        if message[0] == b'Z' {
            talk.unanswered.pop_front();
        }
        mode
    }
}

/// How far the talk on one connection is.
#[derive(Default)]
struct Talk {
    /// What the answer to each question meets that is on its way.
    unanswered: VecDeque<Option<Mode>>,
    speaker: Speaker,
}

/// Whose connection it is.
#[derive(Default)]
enum Speaker {
    #[default]
    Unknown,
    /// It has asked so many questions since its transaction began.
    Reader(usize),
    /// The same since its turn began.
    Writer(usize),
    Follower,
}

impl Talk {
    /// The place of a question, if it is one of those that may meet something.
    fn place(&mut self, text: &[u8]) -> Option<Place> {
        if text.starts_with(BEGIN) {
            self.speaker = Speaker::Writer(0);
        } else if text.starts_with(START) {
            self.speaker = Speaker::Reader(0);
        } else if text == LISTEN {
            self.speaker = Speaker::Follower;
        }
        let asked = |number: &mut usize| std::mem::replace(number, *number + 1);
        Some(match &mut self.speaker {
            Speaker::Unknown => return None,
            Speaker::Reader(number) => Place::Read(asked(number)),
            Speaker::Writer(_) if text == COMMIT => Place::Commit,
            Speaker::Writer(number) => Place::Turn(asked(number)),
            Speaker::Follower if text == RING => Place::Ring,
            Speaker::Follower => Place::News,
        })
    }
}

/// What a message says.
fn text(message: &[u8]) -> &[u8] {
    message.get(5..).unwrap_or_default()
}

/// One whole message.
fn message(from: &mut impl Read, is_first: bool) -> io::Result<Vec<u8>> {
    let mut message = vec![0; if is_first { 4 } else { 5 }];
    from.read_exact(&mut message)?;
    let length = u32::from_be_bytes(message[message.len() - 4..].try_into().unwrap()) as usize;
    let begun = message.len();
    message.resize(begun + length - 4, 0);
    from.read_exact(&mut message[begun..])?;
    Ok(message)
}
