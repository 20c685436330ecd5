//! A disk that keeps what was synced, and of the rest whatever it likes.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::history::{Change, History, Moment, Sync, Write};
use crate::books::Ledger;
use crate::dice::Dice;

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// The files on a disk, by name.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// The disk at one moment of a history.
pub(super) struct Disk<'h> {
    history: &'h History,
    /// Which syncs count.
    counts: fn(&Sync) -> bool,
    synced: Files,
    /// The writes since, and whether each has ended: a sync waits for those that have.
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
    Writes(usize),
    Sectors(usize),
}

impl<'h> Disk<'h> {
    pub(super) fn new(history: &'h History, before: &Files, counts: fn(&Sync) -> bool) -> Self {
        let (since, under_way, ledger) = (Vec::new(), HashMap::new(), Ledger::default());
        Self { history, counts, synced: before.clone(), since, under_way, ledger }
    }

    /// Goes past one moment.
    pub(super) fn pass(&mut self, moment: &Moment) {
        match moment {
            Moment::WriteBegun(write) => self.since.push((*write, false)),
            Moment::WriteEnded(write) => {
                self.since.iter_mut().filter(|(of, _)| of == write).for_each(|(_, ended)| *ended = true);
            }
            Moment::SyncBegun(sync) => {
                let covered = self.since.iter().filter(|(write, ended)| *ended && self.covers(*sync, *write));
                let covered = covered.map(|(write, _)| *write).collect();
                self.under_way.insert(*sync, covered);
            }
            Moment::SyncEnded(sync) => {
                let covered = self.under_way.remove(sync).unwrap();
                if (self.counts)(&self.history.syncs[*sync]) {
                    self.since.retain(|(write, _)| !covered.contains(write));
                    covered.iter().for_each(|write| apply(&mut self.synced, &self.history.writes[*write]));
                }
            }
            Moment::Promised(promise) => self.ledger.add(promise.clone()),
        }
    }

    /// A file's sync covers its content; the directory's, which files there are.
    fn covers(&self, sync: usize, write: usize) -> bool {
        let Write { file, change } = &self.history.writes[write];
        match &self.history.syncs[sync].file {
            Some(synced) => synced == file && !is_of_directory(change),
            None => is_of_directory(change),
        }
    }

    /// Whether anything can be lost.
    pub(super) fn is_unsure(&self) -> bool {
        !self.since.is_empty()
    }

    /// Whether the log is being copied into the database.
    pub(super) fn is_copying(&self) -> bool {
        self.since.iter().any(|(write, _)| self.history.writes[*write].file.ends_with(".db"))
    }

    /// What may be found after a power loss at this moment.
    pub(super) fn image(&self, dice: &mut Dice) -> Files {
        let loss = match dice.below(8) {
            0 => Loss::Nothing,
            1 => Loss::Everything,
            2 | 3 => Loss::Suffix,
            4 => Loss::Writes(50),
            5 => Loss::Writes(90),
            6 => Loss::Sectors(50),
            _ => Loss::Sectors(90),
        };
        let mut files = self.synced.clone();
        let mut never_made = Vec::new();
        let kept_whole = dice.below(self.since.len() + 1);
        for (place, (write, _)) in self.since.iter().enumerate() {
            let write = &self.history.writes[*write];
            let kept = match loss {
                Loss::Nothing => true,
                Loss::Everything => false,
                Loss::Suffix if place == kept_whole => {
                    torn(&mut files, write, dice, 50);
                    continue;
                }
                Loss::Suffix => place < kept_whole,
                Loss::Writes(percent) => dice.percent(percent),
                Loss::Sectors(percent) => {
                    torn(&mut files, write, dice, percent);
                    continue;
                }
            };
            match (kept, &write.change) {
                (true, _) => apply(&mut files, write),
                (false, Change::Made) => never_made.push(&write.file),
                (false, Change::Written { .. } | Change::Resized(_) | Change::Removed) => {}
            }
        }
        never_made.into_iter().for_each(|file| drop(files.remove(file)));
        if dice.percent(20) {
            self.shorten(&mut files, dice);
        }
        files
    }

    /// A file that grew since its last sync may not have grown as far.
    fn shorten(&self, files: &mut Files, dice: &mut Dice) {
        for (name, bytes) in files {
            let synced = self.synced.get(name).map_or(0, Vec::len);
            if bytes.len() > synced {
                let length = synced + dice.below(bytes.len() - synced + 1);
                bytes.truncate(length.next_multiple_of(SECTOR_BYTES).min(bytes.len()));
            }
        }
    }
}

const fn is_of_directory(change: &Change) -> bool {
    matches!(change, Change::Made | Change::Removed)
}

fn apply(files: &mut Files, Write { file, change }: &Write) {
    match change {
        Change::Made => drop(files.entry(file.clone()).or_default()),
        Change::Removed => drop(files.remove(file)),
        Change::Resized(length) => files.entry(file.clone()).or_default().resize(*length, 0),
        Change::Written { at, bytes } => put(files, file, *at, bytes, 0..bytes.len()),
    }
}

/// Keeps each sector of a write `percent` times of a hundred; what has no sectors, likewise.
fn torn(files: &mut Files, write: &Write, dice: &mut Dice, percent: usize) {
    let Change::Written { at, bytes } = &write.change else {
        if is_of_directory(&write.change) || dice.percent(percent) {
            apply(files, write);
        }
        return;
    };
    let mut start = 0;
    while start < bytes.len() {
        let end = ((at + start + 1).next_multiple_of(SECTOR_BYTES) - at).min(bytes.len());
        if dice.percent(percent) {
            put(files, &write.file, *at, bytes, start..end);
        }
        start = end;
    }
}

/// Puts a part of `bytes`, which belong at `at`, into a file.
fn put(files: &mut Files, file: &str, at: usize, bytes: &[u8], part: Range<usize>) {
    let content = files.entry(file.to_owned()).or_default();
    let place = at + part.start..at + part.end;
    if content.len() < place.end {
        content.resize(place.end, 0);
    }
    content[place].copy_from_slice(&bytes[part]);
}
