//! A disk that keeps what was synced, and of the rest whatever it likes.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::history::{History, Moment, Sync};
use super::volume::{Files, Object, Volume};
use crate::ledger::Ledger;
use crate::seeded_rng::SeededRng;

/// The disk at one moment of a history.
pub(super) struct Disk<'h> {
    history: &'h History,
    /// Which syncs count.
    counts: fn(&Sync) -> bool,
    synced: Volume,
    /// The changes since, and whether each has ended: a sync waits for those that have.
    since: Vec<(usize, bool)>,
    /// What each sync under way will have made durable.
    under_way: HashMap<usize, Vec<usize>>,
    /// What was promised until now.
    pub(super) ledger: Ledger,
}

/// How a disk fails.
enum Loss {
    Nothing,
    Everything,
    Suffix,
    Changes(usize),
    Sectors(usize),
}

impl<'h> Disk<'h> {
    pub(super) fn new(history: &'h History, before: &Volume, counts: fn(&Sync) -> bool) -> Self {
        let (since, under_way, ledger) = (Vec::new(), HashMap::new(), Ledger::default());
        Self { history, counts, synced: before.clone(), since, under_way, ledger }
    }

    /// Goes past one moment.
    pub(super) fn pass(&mut self, moment: &Moment) {
        match moment {
            Moment::ChangeBegun(change) => self.since.push((*change, false)),
            Moment::ChangeEnded(change) => {
                self.since.iter_mut().filter(|(of, _)| of == change).for_each(|(_, ended)| *ended = true);
            }
            Moment::SyncBegun(sync) => {
                let synced = self.history.syncs[*sync].object;
                let covered = self.since.iter().filter(|(change, ended)| *ended && self.object(*change) == synced);
                let covered = covered.map(|(change, _)| *change).collect();
                self.under_way.insert(*sync, covered);
            }
            Moment::SyncEnded(sync) => {
                let covered = self.under_way.remove(sync).unwrap();
                if (self.counts)(&self.history.syncs[*sync]) {
                    self.make_durable(&covered);
                }
            }
            Moment::Promised(promise) => self.ledger.add(promise.clone()),
        }
    }

    fn object(&self, change: usize) -> Object {
        self.history.changes[change].object()
    }

    /// Another sync that was under way at the same time may have made some of them durable already.
    fn make_durable(&mut self, covered: &[usize]) {
        let since = std::mem::take(&mut self.since);
        let (durable, since) = since.into_iter().partition(|(change, _)| covered.contains(change));
        self.since = since;
        let durable: Vec<(usize, bool)> = durable;
        durable.iter().for_each(|(change, _)| self.synced.apply(&self.history.changes[*change]));
    }

    /// Whether anything can be lost.
    pub(super) fn is_unsure(&self) -> bool {
        !self.since.is_empty()
    }

    /// Whether the log is being copied into the database.
    pub(super) fn is_copying(&self) -> bool {
        self.since.iter().any(|(change, _)| self.object(*change) == Object::File(self.history.database))
    }

    /// What may be found after a power loss at this moment.
    pub(super) fn image(&self, rng: &mut SeededRng) -> Files {
        let loss = match rng.below(8) {
            0 => Loss::Nothing,
            1 => Loss::Everything,
            2 | 3 => Loss::Suffix,
            4 => Loss::Changes(50),
            5 => Loss::Changes(90),
            6 => Loss::Sectors(50),
            _ => Loss::Sectors(90),
        };
        let mut found = self.synced.clone();
        let kept_whole = rng.below(self.since.len() + 1);
        for (place, (change, _)) in self.since.iter().enumerate() {
            // Of a hundred sectors.
            let kept = match loss {
                Loss::Nothing => 100,
                Loss::Everything => 0,
                Loss::Suffix => match place.cmp(&kept_whole) {
                    Ordering::Less => 100,
                    Ordering::Equal => 50,
                    Ordering::Greater => 0,
                },
                Loss::Changes(percent) => 100 * usize::from(rng.percent(percent)),
                Loss::Sectors(percent) => percent,
            };
            found.apply_torn(&self.history.changes[*change], || rng.percent(kept));
        }
        // A file that grew since its last sync may not have grown as far.
        if rng.percent(20) {
            found.shorten(&self.synced, |bytes| rng.below(bytes + 1));
        }
        found.files()
    }
}
