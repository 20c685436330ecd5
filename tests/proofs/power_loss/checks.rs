//! The disk by itself: what a few calls may leave on it after a power loss is known to the last file, and is all found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::disk::Disk;
use super::history::{History, Sync};
use super::trace;
use super::volume::{Object, Volume};
use crate::seeded_rng::SeededRng;

/// What is found on a disk: the content of each file, by name.
type Found = BTreeMap<String, String>;

/// How many images are made of each trace: enough to meet each of the few that are possible.
const IMAGES: usize = 2_000;

const OPEN: &str = "1 openat(AT_FDCWD, \"/d/test.db\", O_RDWR|O_CREAT, 0644) = 5</d/test.db>\n";
const REMOVE_LOG: &str = "1 unlink(\"/d/test.db-wal\") = 0\n";
const MAKE_LOG: &str = "1 openat(AT_FDCWD, \"/d/test.db-wal\", O_RDWR|O_CREAT, 0644) = 6</d/test.db-wal>\n";
const WRITE_LOG: &str = "1 pwrite64(6</d/test.db-wal>, \"new\", 3, 0) = 3\n";
const SYNC_LOG: &str = "1 fdatasync(6</d/test.db-wal>) = 0\n";
const RENAME_LOG: &str = "1 rename(\"/d/test.db-wal\", \"/d/test.db-journal\") = 0\n";
const SYNC_DIRECTORY: &str = "1 openat(AT_FDCWD, \"/d\", O_RDONLY) = 7</d>\n1 fsync(7</d>) = 0\n";

/// Panics where the disk loses what it must keep, or never loses what it may.
pub(super) fn check_disk() {
    a_file_made_anew_keeps_what_was_synced();
    a_file_is_found_under_its_name_once_the_directory_is_synced();
    a_file_is_renamed_whole_or_not_at_all();
    a_name_is_taken_over_by_another_file();
    an_open_file_is_written_after_its_name_is_gone();
    a_write_is_torn_between_sectors();
    a_file_grows_only_in_part();
    a_file_is_cut_or_not();
    a_sync_covers_what_had_ended_when_it_began();
    an_older_sync_brings_back_nothing_older();
    a_server_that_does_not_sync_is_found_out();
}

/// All that is found after a power loss at the end of a trace, where only those syncs count that `counts` says.
fn left_by(before: &[(&str, &str)], calls: &[&str], counts: fn(&Sync) -> bool) -> BTreeSet<Found> {
    let before = before.iter().map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec()));
    let before = Volume::holding(before.collect());
    let trace = calls.concat();
    let history = History::of(&trace::calls(&trace, 0), Path::new("/d/test.db"), &before);
    let mut disk = Disk::new(&history, &before, counts);
    history.moments.iter().for_each(|moment| disk.pass(moment));
    let mut rng = SeededRng::new(1);
    let shown = |(name, bytes)| (name, String::from_utf8(bytes).unwrap());
    (0..IMAGES).map(|_| disk.image(&mut rng).into_iter().map(shown).collect()).collect()
}

fn found(files: &[(&str, &str)]) -> Found {
    files.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())).collect()
}

/// The same, of what is beside a database that is not written.
fn logs_left_by(before: &[(&str, &str)], calls: &[&str], counts: fn(&Sync) -> bool) -> BTreeSet<Found> {
    let mut left = left_by(&[&[("test.db", "rows")], before].concat(), calls, counts).into_iter().collect::<Vec<_>>();
    for image in &mut left {
        assert_eq!(image.remove("test.db").as_deref(), Some("rows"));
    }
    left.into_iter().collect()
}

#[track_caller]
fn assert_left(left: BTreeSet<Found>, expected: &[&[(&str, &str)]]) {
    assert_eq!(left, expected.iter().copied().map(found).collect());
}

const fn all(_: &Sync) -> bool {
    true
}

fn a_file_made_anew_keeps_what_was_synced() {
    let old = [("test.db-wal", "old")];
    let made = [REMOVE_LOG, MAKE_LOG, WRITE_LOG, SYNC_LOG];
    let none_or_whole: [&[_]; 3] = [&[], &[("test.db-wal", "new")], &old];
    assert_left(logs_left_by(&old, &made, all), &none_or_whole);
    assert_left(logs_left_by(&old, &[&made[..], &[SYNC_DIRECTORY]].concat(), all), &[&[("test.db-wal", "new")]]);
    let twice = [&made[..], &[REMOVE_LOG], &made, &[SYNC_DIRECTORY]].concat();
    assert_left(logs_left_by(&old, &twice, all), &[&[("test.db-wal", "new")]]);
}

fn a_file_is_found_under_its_name_once_the_directory_is_synced() {
    let (empty, new): ([_; 1], [_; 1]) = ([("test.db-wal", "")], [("test.db-wal", "new")]);
    assert_left(logs_left_by(&[], &[MAKE_LOG, WRITE_LOG], all), &[&[], &empty, &new]);
    assert_left(logs_left_by(&[], &[MAKE_LOG, WRITE_LOG, SYNC_LOG], all), &[&[], &new]);
    assert_left(logs_left_by(&[], &[MAKE_LOG, WRITE_LOG, SYNC_DIRECTORY], all), &[&empty, &new]);
    assert_left(logs_left_by(&[], &[MAKE_LOG, WRITE_LOG, SYNC_LOG, SYNC_DIRECTORY], all), &[&new]);
    assert_left(logs_left_by(&new, &[REMOVE_LOG], all), &[&[], &new]);
    assert_left(logs_left_by(&new, &[REMOVE_LOG, SYNC_DIRECTORY], all), &[&[]]);
}

fn a_file_is_renamed_whole_or_not_at_all() {
    let before = [("test.db-journal", "other"), ("test.db-wal", "old")];
    let after = [("test.db-journal", "old")];
    assert_left(logs_left_by(&before, &[RENAME_LOG], all), &[&before, &after]);
    assert_left(logs_left_by(&before, &[RENAME_LOG, SYNC_DIRECTORY], all), &[&after]);
}

fn a_name_is_taken_over_by_another_file() {
    let old = [("test.db-wal", "old")];
    let (old_renamed, new) = (("test.db-journal", "old"), ("test.db-wal", "new"));
    let calls = [RENAME_LOG, MAKE_LOG, WRITE_LOG, SYNC_LOG];
    // Where only the making is found, the old file has lost its name to the new one.
    let possible: [&[_]; 4] = [&old, &[old_renamed], &[old_renamed, new], &[new]];
    assert_left(logs_left_by(&old, &calls, all), &possible);
    assert_left(logs_left_by(&old, &[&calls[..], &[SYNC_DIRECTORY]].concat(), all), &[&[old_renamed, new]]);
}

fn an_open_file_is_written_after_its_name_is_gone() {
    let write_old = "1 pwrite64(5</d/test.db-wal>(deleted), \"late\", 4, 0) = 4\n";
    let open_old = MAKE_LOG.replace("6<", "5<");
    let calls = [open_old.as_str(), REMOVE_LOG, MAKE_LOG, WRITE_LOG, write_old, SYNC_LOG];
    let old = [("test.db-wal", "old")];
    let left = logs_left_by(&old, &[&calls[..], &[SYNC_DIRECTORY]].concat(), all);
    assert_left(left, &[&[("test.db-wal", "new")]]);
    let late = [("test.db-wal", "late")];
    assert_left(logs_left_by(&old, &calls, all), &[&[], &[("test.db-wal", "new")], &old, &late]);
}

fn a_write_is_torn_between_sectors() {
    let write = format!("1 pwrite64(5</d/test.db>, \"{}\", 1024, 256) = 1024\n", "b".repeat(1024));
    let before = "a".repeat(1536);
    let part = |is_kept: bool, length: usize| if is_kept { "b" } else { "a" }.repeat(length);
    let possible = (0..8).map(|kept| {
        let [first, second, third] = [1, 2, 4].map(|bit| kept & bit != 0);
        let content = [part(false, 256), part(first, 256), part(second, 512), part(third, 256), part(false, 256)];
        found(&[("test.db", &content.concat())])
    });
    assert_eq!(left_by(&[("test.db", &before)], &[OPEN, &write], all), possible.collect());
}

fn a_file_grows_only_in_part() {
    let write = format!("1 pwrite64(5</d/test.db>, \"{}\", 1024, 0) = 1024\n", "b".repeat(1024));
    let (hole, sector) = ("\0".repeat(512), "b".repeat(512));
    let possible = ["", &hole, &sector, &(hole.clone() + &sector), &sector.repeat(2)];
    let possible = possible.map(|content| found(&[("test.db", content)]));
    assert_eq!(left_by(&[("test.db", "")], &[OPEN, &write], all), possible.into_iter().collect());
}

fn a_file_is_cut_or_not() {
    let cut = "1 ftruncate(5</d/test.db>, 3) = 0\n";
    let before = [("test.db", "old rows")];
    assert_left(left_by(&before, &[OPEN, cut], all), &[&before, &[("test.db", "old")]]);
    assert_left(left_by(&before, &[OPEN, cut, "1 fsync(5</d/test.db>) = 0\n"], all), &[&[("test.db", "old")]]);
}

fn a_sync_covers_what_had_ended_when_it_began() {
    let (old, new) = ([("test.db", "old")], [("test.db", "new")]);
    let sync = ["1 fdatasync(5</d/test.db> <unfinished ...>\n", "1 <... fdatasync resumed>) = 0\n"];
    let write = ["2 pwrite64(5</d/test.db>, \"new\", 3, 0 <unfinished ...>\n", "2 <... pwrite64 resumed>) = 3\n"];
    let too_late: [[&str; 4]; 3] = [
        [sync[0], sync[1], write[0], write[1]],
        [sync[0], write[0], write[1], sync[1]],
        [write[0], sync[0], write[1], sync[1]],
    ];
    for calls in too_late {
        assert_left(left_by(&old, &[&[OPEN], &calls[..]].concat(), all), &[&new, &old]);
    }
    assert_left(left_by(&old, &[OPEN, write[0], write[1], sync[0], sync[1]], all), &[&new]);
}

fn an_older_sync_brings_back_nothing_older() {
    let write = |bytes: &str| format!("1 pwrite64(5</d/test.db>, \"{bytes}\", 3, 0) = 3\n");
    let begun = |thread: &str| format!("{thread} fdatasync(5</d/test.db> <unfinished ...>\n");
    let ended = |thread: &str| format!("{thread} <... fdatasync resumed>) = 0\n");
    let calls = [&write("one"), &begun("2"), &write("two"), &begun("3"), &ended("3"), &ended("2")];
    let calls = calls.map(String::as_str);
    assert_left(left_by(&[("test.db", "old")], &[&[OPEN], &calls[..]].concat(), all), &[&[("test.db", "two")]]);
}

/// A commit as the server makes it, with each of its syncs left out.
fn a_server_that_does_not_sync_is_found_out() {
    let commit = [MAKE_LOG, WRITE_LOG, SYNC_LOG, SYNC_DIRECTORY];
    let (empty, new): ([_; 1], [_; 1]) = ([("test.db-wal", "")], [("test.db-wal", "new")]);
    assert_left(logs_left_by(&[], &commit, all), &[&new]);
    assert_left(logs_left_by(&[], &commit, |sync| sync.object == Object::Directory), &[&empty, &new]);
    assert_left(logs_left_by(&[], &commit, |sync| sync.object != Object::Directory), &[&[], &new]);
    assert_left(logs_left_by(&[], &commit, |_| false), &[&[], &empty, &new]);
}
