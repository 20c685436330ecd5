//! What stands between a server and PostgreSQL, and loses what it is told to lose.
//!
//! It knows as much of the protocol as it needs: where the text of a query is COMMIT, and where the answer to a COMMIT is. The first
//! message of a connection has no type; after that each has one byte of it and four of its length.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What happens to one connection, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// COMMIT is done, and its answer is lost with the connection.
    LoseAnswer,
    /// COMMIT never reaches PostgreSQL: the connection is lost before.
    CutBeforeCommit,
    /// The connection is lost at the first thing that PostgreSQL answers.
    CutAnswer,
    /// For longer than a turn may be silent, nothing that PostgreSQL answers to COMMIT comes through, and then all of it.
    Delay,
}

pub(super) const FAULTS: [Fault; 4] = [Fault::LoseAnswer, Fault::CutBeforeCommit, Fault::CutAnswer, Fault::Delay];

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
}

impl Proxy {
    /// Stands before the PostgreSQL whose socket is in this folder.
    pub(super) fn before(folder: &Path) -> Self {
        Self::standing(folder, false)
    }

    /// The same, and nobody hears when the server rings.
    pub(super) fn losing_rings(folder: &Path) -> Self {
        Self::standing(folder, true)
    }

    fn standing(folder: &Path, loses_rings: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (armed, done) = (Arc::new(Mutex::new(None)), Arc::new(AtomicUsize::new(0)));
        let socket = folder.join(".s.PGSQL.5432");
        let lost_rings = Arc::new(AtomicUsize::new(0));
        let passage = Passage {
            armed: Arc::clone(&armed),
            done: Arc::clone(&done),
            lost_rings: Arc::clone(&lost_rings),
            loses_rings,
            socket,
        };
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, passage) = (client.unwrap(), passage.clone());
                // PostgreSQL may be away: then the client is told by the end of the connection.
                thread::spawn(move || passage.carry(client));
            }
        });
        Self { address, armed, done, lost_rings }
    }

    /// The next connection that comes to it meets this.
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
    socket: PathBuf,
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
            let mut message = message(from, std::mem::take(&mut is_first))?;
            if self.loses_rings && is_asking && message.get(5..) == Some(RING) {
                // As long as it was, and answered like it: on a channel to which nobody listens.
                message[5..].copy_from_slice(ELSEWHERE);
                self.lost_rings.fetch_add(1, Ordering::AcqRel);
            }
            if let Some(fault) = self.meets(&message, is_asking) {
                self.done.fetch_add(1, Ordering::AcqRel);
                if fault != Fault::Delay {
                    return Ok(());
                }
                // What is tried is that nothing comes for so long.
                #[expect(clippy::disallowed_methods, reason = "the silence is the fault")]
                thread::sleep(DELAY);
            }
            to.write_all(&message)?;
        }
    }

    /// The fault that is armed, if this is the message that meets it.
    fn meets(&self, message: &[u8], is_asking: bool) -> Option<Fault> {
        let (kind, text) = (message[0], &message[1..]);
        let is_commit = text.get(4..).is_some_and(|text| text.starts_with(b"COMMIT\0"));
        let mut armed = self.armed.lock().unwrap();
        let meets = match (*armed)? {
            Fault::CutBeforeCommit => is_asking && kind == b'Q' && is_commit,
            Fault::LoseAnswer | Fault::Delay => !is_asking && kind == b'C' && is_commit,
            // A row: it is what a turn has read.
            Fault::CutAnswer => !is_asking && kind == b'D',
        };
        if meets { armed.take() } else { None }
    }
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
