//! The writer: a thread that owns the one connection that writes and commits in groups.
//!
//! It takes all that is queued, runs each piece of work by itself inside one transaction, so that one that is
//! refused disturbs no other, and answers all of them after the one commit, which lasts. It never waits for a fuller group:
//! while it commits, the next one gathers. Refusals are answered after the COMMIT, too, for they may rest on what the same
//! group has written. Where work of several agents is in a group, none of them keeps the others long: what is more of one than
//! a group has room for waits for the next.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::engine::Engine;
use super::error::Disk;
use super::writer_cache::WriterCache;
use super::{CommitSummary, Error, Known, OnCommit, Result, StoreLimits, Wants, WriteTx};
use crate::clock::Clock;
use crate::domain::id::PrincipalName;
use crate::shares::{Share, ShareLimits, Shares};
use crate::store::Priority;

/// How long the writer works for one agent in a group in which others have work, but for the piece with which that is over.
const LONGEST_OF_ONE: Duration = Duration::from_millis(2);

/// What comes late is taken in where it is at least one of so many of the group, since it costs one more question to the database;
/// less waits for the next turn.
const LATE_SHARE: usize = 4;

/// How often a group runs again that the loss of its connection undid.
const MOST_AGAIN: u32 = 2;

/// One piece of work in the queue.
trait Work: Send {
    /// The agent that has brought it.
    fn agent(&self) -> Option<&PrincipalName>;

    /// What it reads first, where that is known.
    fn wants(&self) -> Option<&Wants>;

    /// Runs it; whether what it wrote is to be kept.
    fn run(&mut self, tx: &mut WriteTx<'_>) -> bool;

    /// Answers the caller with the result of [`Work::run`], or with the error that undid it.
    fn answer(self: Box<Self>, committed: Result<()>);
}

struct Closure<T, E, F> {
    work: F,
    wants: Option<Wants>,
    result: Option<std::result::Result<T, E>>,
    /// Its agent's share of the queue: held until it is answered, even where the caller has gone away.
    own: Option<Share>,
    reply: oneshot::Sender<std::result::Result<T, E>>,
}

impl<T, E, F> Work for Closure<T, E, F>
where
    F: FnMut(&mut WriteTx<'_>) -> std::result::Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn agent(&self) -> Option<&PrincipalName> {
        self.own.as_ref().map(Share::principal)
    }

    fn wants(&self) -> Option<&Wants> {
        self.wants.as_ref()
    }

    fn run(&mut self, tx: &mut WriteTx<'_>) -> bool {
        self.result.insert((self.work)(tx)).is_ok()
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let Self { work, wants: _, result, own, reply } = *self;
        // What the work holds is given back before the caller goes on, which may share some of it.
        drop((work, own));
        let answer = match (committed, result) {
            // The error of the work that undid the group explains it best.
            (Ok(()), Some(result)) | (Err(Error::Undone), Some(result @ Err(_))) => result,
            (Ok(()), None) => Err(Error::Closed.into()),
            (Err(error), _) => Err(error.into()),
        };
        // The caller may have gone away: what was done stays done.
        let _ = reply.send(answer);
    }
}

enum Message {
    Work(Box<dyn Work>),
    Ask(Asked),
}

/// A handle to the writer's thread.
pub(super) struct Writer {
    queue: Sender<Message>,
    /// How much work is queued or being done.
    queued: Arc<AtomicUsize>,
    max_queued: usize,
    /// How much of each agent is queued or being done.
    shares: Arc<Shares>,
    ended: watch::Receiver<()>,
    /// Whether the engine can no longer be trusted.
    failed: watch::Receiver<bool>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(
        mut engine: Box<dyn Engine>,
        (cache, known): (WriterCache, Known),
        limits: StoreLimits,
        clock: Arc<dyn Clock>,
        on_commit: OnCommit,
    ) -> std::io::Result<Self> {
        let failed = engine.failed();
        let (queue, messages) = channel();
        let (alive, ended) = watch::channel(());
        let queued = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&queued);
        thread::Builder::new().name("writer".to_owned()).spawn(move || {
            // Dropped when the thread ends, however it ends.
            let _alive = alive;
            engine.start();
            let queued = counter;
            Thread { engine, cache, known, clock, on_commit, queued, messages, asked: None }.run();
        })?;
        let shares = Shares::new(ShareLimits { all: usize::MAX, own: limits.max_own_queued_writes, assured: 0 });
        Ok(Self { queue, queued, max_queued: limits.max_queued_writes, shares, ended, failed })
    }

    pub(super) async fn write<T, E, F>(
        &self,
        priority: Priority,
        wants: Option<Wants>,
        work: F,
    ) -> std::result::Result<T, E>
    where
        F: FnMut(&mut WriteTx<'_>) -> std::result::Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let own = priority.agent().map(|name| self.shares.take(name, 1)).transpose().map_err(Error::from)?;
        let work = Closure { work, wants, result: None, own, reply };
        let limit = match priority {
            Priority::Stranger | Priority::Agent(_) | Priority::Resumed(_) => self.max_queued,
            Priority::Human => self.max_queued.saturating_mul(2),
        };
        if self.queued.fetch_add(1, Ordering::Relaxed) >= limit {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Overloaded.into());
        }
        self.queue.send(Message::Work(Box::new(work))).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Empties the write-ahead log, if no reader is in the way; whether it did. With `waits` it waits for this server's own.
    pub(super) async fn empty_log(&self, waits: bool) -> Result<bool> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Message::Ask(Asked::EmptyLog { waits, reply })).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)
    }

    pub(super) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    pub(super) async fn close(&self) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Message::Ask(Asked::Close(reply))).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    pub(super) async fn ended(&self) {
        let (mut ended, mut failed) = (self.ended.clone(), self.failed.clone());
        tokio::select! {
            // Nothing is ever sent: the channel closes when the thread ends.
            _ = ended.changed() => {}
            _ = failed.wait_for(|failed| *failed) => {}
        }
    }
}

/// What the writer's thread owns.
struct Thread {
    engine: Box<dyn Engine>,
    cache: WriterCache,
    known: Known,
    clock: Arc<dyn Clock>,
    on_commit: OnCommit,
    queued: Arc<AtomicUsize>,
    messages: Receiver<Message>,
    /// What is to be done after the group that has gathered.
    asked: Option<Asked>,
}

/// What the writer's thread is asked beside its work.
enum Asked {
    EmptyLog { waits: bool, reply: oneshot::Sender<bool> },
    Close(oneshot::Sender<Result<()>>),
}

/// What was committed, and which pieces of the group wait for the next one, in order.
type Committed = (CommitSummary, Vec<usize>);

/// Takes out of the group what is not to wait for the next one.
fn apart(group: &mut Vec<Box<dyn Work>>, later: &[usize]) -> Vec<Box<dyn Work>> {
    let mut done = Vec::with_capacity(group.len());
    for (at, work) in mem::take(group).into_iter().enumerate() {
        if later.binary_search(&at).is_ok() { group.push(work) } else { done.push(work) }
    }
    done
}

/// How long the writer has worked for each agent in a group, where there are several.
struct Turns {
    /// `None` where each has all the time that it takes.
    longest: Option<Duration>,
    each: HashMap<PrincipalName, Duration>,
    since: Instant,
}

impl Turns {
    fn of(group: &[Box<dyn Work>], longest: Option<Duration>) -> Self {
        let mut agents = group.iter().filter_map(|work| work.agent());
        let first = agents.next();
        let are_several = agents.any(|other| Some(other) != first);
        Self { longest: longest.filter(|_| are_several), each: HashMap::new(), since: Instant::now() }
    }

    /// Whether what is left of this agent waits for the next group.
    fn are_over(&self, agent: Option<&PrincipalName>) -> bool {
        let spent = agent.and_then(|agent| self.each.get(agent));
        self.longest.zip(spent).is_some_and(|(longest, spent)| *spent > longest)
    }

    /// Counts the time since the last piece of work for this agent.
    fn count(&mut self, agent: Option<&PrincipalName>) {
        if self.longest.is_none() {
            return;
        }
        let (before, now) = (self.since, Instant::now());
        self.since = now;
        if let Some(agent) = agent {
            *self.each.entry(agent.clone()).or_default() += now - before;
        }
    }
}

/// How work of a group is kept apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Savepoints {
    None,
    Each,
}

impl Thread {
    fn run(mut self) {
        let mut group = Vec::new();
        loop {
            // What was left of the last group does not wait for more.
            if group.is_empty() {
                let Ok(first) = self.messages.recv() else { return };
                self.take(first, &mut group);
            }
            self.gather(&mut group);
            let longest = self.asked.is_none().then_some(LONGEST_OF_ONE);
            if self.commit(&mut group, longest) == Disk::Unknown || self.engine.between_commits() == Disk::Unknown {
                return;
            }
            // What has come late, and was left over, is done before the writer closes.
            let is_last = matches!(self.asked, Some(Asked::Close(_))) && group.is_empty();
            match self.asked.take_if(|asked| is_last || matches!(asked, Asked::EmptyLog { .. })) {
                Some(Asked::EmptyLog { waits, reply }) => {
                    if !self.engine.may_acknowledge() {
                        return;
                    }
                    let _ = reply.send(self.engine.remove_wiped(waits));
                }
                Some(Asked::Close(reply)) => {
                    let _ = reply.send(self.engine.close());
                    return;
                }
                None => {}
            }
        }
    }

    /// Takes what is queued, as long as there is room in the group and nothing else was asked.
    fn gather(&mut self, group: &mut Vec<Box<dyn Work>>) {
        while group.len() < self.engine.largest_group() && self.asked.is_none() {
            let Ok(message) = self.messages.try_recv() else { return };
            self.take(message, group);
        }
    }

    fn take(&mut self, message: Message, group: &mut Vec<Box<dyn Work>>) {
        match message {
            Message::Work(work) => group.push(work),
            Message::Ask(asked) => self.asked = Some(asked),
        }
    }

    /// Takes in what has come while the turn was waited for, if that is worth another question to the database.
    fn join_late(&mut self, group: &mut Vec<Box<dyn Work>>) -> Result<()> {
        let before = group.len();
        if self.queued.load(Ordering::Relaxed).saturating_sub(before) * LATE_SHARE < before {
            return Ok(());
        }
        self.gather(group);
        let late = group[before..].iter().filter_map(|work| work.wants()).collect::<Vec<_>>();
        if late.is_empty() { Ok(()) } else { self.engine.ask_for(&late) }
    }

    /// Runs a group in one transaction and answers it; what is left over of it stays.
    fn commit(&mut self, group: &mut Vec<Box<dyn Work>>, longest: Option<Duration>) -> Disk {
        if group.is_empty() {
            return Disk::Trusted;
        }
        let (committed, disk) = match self.transact(group, longest) {
            // Another thread's sync may have failed meanwhile, or a file of the database may be gone: what was committed is
            // no longer acknowledged.
            Ok(_) if !self.engine.may_acknowledge() => (Err(Error::Closed), Disk::Unknown),
            Ok(committed) => (Ok(committed), Disk::Trusted),
            Err(error) => {
                let disk = self.undo(&error);
                (Err(error), disk)
            }
        };
        let (result, done) = match committed {
            Ok((committed, later)) => {
                (self.on_commit)(committed);
                (Ok(()), apart(group, &later))
            }
            Err(error) => (Err(error), mem::take(group)),
        };
        self.queued.fetch_sub(done.len(), Ordering::Relaxed);
        for work in done {
            work.answer(result.clone());
        }
        disk
    }

    /// Nearly every refusal comes before the first write, and then there is nothing to undo: so a group runs without
    /// savepoints, which cost a copy of every page that is changed. Where work fails halfway after all, the whole group is
    /// undone and runs once more with them.
    fn transact(&mut self, group: &mut Vec<Box<dyn Work>>, longest: Option<Duration>) -> Result<Committed> {
        let (mut savepoints, mut attempts) = (Savepoints::None, 0);
        loop {
            match self.attempt(group, longest, savepoints) {
                Ok(Some(committed)) => return Ok(committed),
                Ok(None) if savepoints == Savepoints::None => savepoints = Savepoints::Each,
                Ok(None) => {
                    return Err(Error::Corrupt { table: "the transaction", key: "work with a savepoint".to_owned() });
                }
                Err(error) if attempts < MOST_AGAIN && self.engine.may_run_again(&error) => {
                    tracing::warn!(%error, "a group is run again");
                    attempts += 1;
                }
                Err(error) => return Err(error),
            }
            self.engine.roll_back()?;
            self.cache.undo();
        }
    }

    /// `None`, and a transaction that is still open, where work failed halfway without a savepoint.
    fn attempt(
        &mut self,
        group: &mut Vec<Box<dyn Work>>,
        longest: Option<Duration>,
        savepoints: Savepoints,
    ) -> Result<Option<Committed>> {
        let wanted = group.iter().filter_map(|work| work.wants()).collect::<Vec<_>>();
        let turn = self.engine.begin(&wanted)?;
        let (now, waited, since) = (turn.now, turn.waited, Instant::now());
        // Before anything can fail: what others have done is told once.
        self.cache.begin(turn, self.engine.sql())?;
        if let Some(now) = now {
            self.clock.follow(now);
            self.join_late(group)?;
        }
        let mut all = CommitSummary::default();
        let (mut turns, mut later) = (Turns::of(group, longest), Vec::new());
        for (at, work) in group.iter_mut().enumerate() {
            if turns.are_over(work.agent()) {
                later.push(at);
                continue;
            }
            let changes_before = self.engine.changes();
            if savepoints == Savepoints::Each {
                self.engine.mark()?;
            }
            let mut tx = WriteTx::new(self.engine.sql(), &mut self.cache, self.clock.now());
            // What work before this one has revoked in the same group is not committed yet, and counts.
            tx.tokens_at = (!all.has_changed_tokens).then(|| self.engine.token_generation());
            let done = work.run(&mut tx);
            if done {
                let mut committed = tx.committed;
                self.cache.apply(mem::take(&mut committed.changes));
                all.add(committed);
            } else if !self.engine.is_open() {
                return Err(Error::Undone);
            } else if savepoints == Savepoints::Each {
                self.engine.undo_part()?;
                self.cache.undo_part();
            } else if self.engine.changes() != changes_before {
                return Ok(None);
            }
            turns.count(work.agent());
        }
        debug_assert!(self.cache.is_right(self.engine.sql()), "what is pending is not what is remembered");
        let begun = Instant::now();
        if !self.engine.commit(self.cache.head)? {
            return Ok(None);
        }
        all.duration = begun.elapsed();
        all.turn = waited.map(|waited| (waited, since.elapsed()));
        self.cache.committed();
        self.cache.pending.iter().for_each(|pending| self.known.first_deadline.set(pending));
        self.cache.book.share(&self.known.rules);
        self.engine.committed(self.cache.head, all.has_changed_tokens);
        Ok(Some((all, later)))
    }

    /// Leaves no transaction open; says whether what is on the disk is still known.
    fn undo(&mut self, error: &Error) -> Disk {
        self.cache.undo();
        let disk = self.engine.after(error);
        if disk == Disk::Unknown {
            // After a failed sync, only a new start, which reads the disk, knows what is on it.
            tracing::error!(%error, "a commit failed; no more writes are acknowledged");
        }
        disk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Piece(Option<PrincipalName>);

    impl Work for Piece {
        fn agent(&self) -> Option<&PrincipalName> {
            self.0.as_ref()
        }

        fn wants(&self) -> Option<&Wants> {
            None
        }

        fn run(&mut self, _: &mut WriteTx<'_>) -> bool {
            true
        }

        fn answer(self: Box<Self>, _: Result<()>) {}
    }

    fn name(text: &str) -> PrincipalName {
        text.parse().unwrap()
    }

    fn group(agents: &[Option<&str>]) -> Vec<Box<dyn Work>> {
        agents.iter().map(|agent| -> Box<dyn Work> { Box::new(Piece(agent.map(name))) }).collect()
    }

    #[test]
    fn what_waits_for_the_next_group_stays_in_order_and_the_rest_is_done() {
        let mut pieces = group(&[Some("a"), Some("b"), None, Some("c"), Some("d")]);
        let done = apart(&mut pieces, &[1, 3, 4]);
        let names = |pieces: &[Box<dyn Work>]| {
            pieces.iter().map(|piece| piece.agent().map(ToString::to_string)).collect::<Vec<_>>()
        };
        let expected = |names: &[Option<&str>]| names.iter().map(|name| name.map(str::to_owned)).collect::<Vec<_>>();
        assert_eq!(names(&done), expected(&[Some("a"), None]));
        assert_eq!(names(&pieces), expected(&[Some("b"), Some("c"), Some("d")]));
    }

    #[test]
    fn one_agent_keeps_the_others_for_its_time_and_no_longer() {
        let (eve, bob) = (name("eve"), name("bob"));
        let mut turns = Turns::of(&group(&[Some("eve"), None, Some("bob")]), Some(Duration::ZERO));
        assert!(!turns.are_over(Some(&eve)));
        let begun = Instant::now();
        while Instant::now() == begun {}
        turns.count(Some(&eve));
        assert!(turns.are_over(Some(&eve)) && !turns.are_over(Some(&bob)) && !turns.are_over(None));
    }

    #[test]
    fn an_agent_alone_has_all_the_time_and_so_has_each_at_the_end() {
        let eve = name("eve");
        for (agents, longest) in
            [(&[Some("eve"), None, Some("eve")][..], Some(Duration::ZERO)), (&[Some("eve"), Some("bob")], None)]
        {
            let mut turns = Turns::of(&group(agents), longest);
            turns.count(Some(&eve));
            turns.count(Some(&eve));
            assert!(!turns.are_over(Some(&eve)));
        }
    }
}
