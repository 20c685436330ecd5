//! The files on a disk. A file is an inode: its name is an entry in the directory, and a file that is made under the name
//! of a removed one is another file.

use std::collections::BTreeMap;

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// The contents of files, by name.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// The number of a file, which it keeps under any name.
pub(super) type Inode = usize;

/// What a change changes, and what a sync makes durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    Directory,
    File(Inode),
}

/// One change of one object.
pub(super) enum Change {
    /// Entries of the directory, all at once: the file that each name stands for from now on, if any.
    Entries(Vec<(String, Option<Inode>)>),
    Written {
        inode: Inode,
        at: usize,
        bytes: Vec<u8>,
    },
    Resized {
        inode: Inode,
        length: usize,
    },
}

impl Change {
    pub(super) const fn object(&self) -> Object {
        match self {
            Self::Entries(_) => Object::Directory,
            Self::Written { inode, .. } | Self::Resized { inode, .. } => Object::File(*inode),
        }
    }
}

/// A directory and the files in it.
#[derive(Clone, Default)]
pub(super) struct Volume {
    pub(super) entries: BTreeMap<String, Inode>,
    contents: BTreeMap<Inode, Vec<u8>>,
}

impl Volume {
    pub(super) fn holding(files: Files) -> Self {
        let mut volume = Self::default();
        for (inode, (name, bytes)) in files.into_iter().enumerate() {
            volume.entries.insert(name, inode);
            volume.contents.insert(inode, bytes);
        }
        volume
    }

    pub(super) fn apply(&mut self, change: &Change) {
        self.apply_torn(change, || true);
    }

    /// Applies those sectors of a write that `keeps` says, one after the other; what has no sectors, whole or not at all.
    pub(super) fn apply_torn(&mut self, change: &Change, mut keeps: impl FnMut() -> bool) {
        match change {
            Change::Written { inode, at, bytes } => {
                let mut start = 0;
                while start < bytes.len() {
                    let end = ((at + start + 1).next_multiple_of(SECTOR_BYTES) - at).min(bytes.len());
                    if keeps() {
                        self.put(*inode, at + start, &bytes[start..end]);
                    }
                    start = end;
                }
            }
            Change::Resized { inode, length } => {
                if keeps() {
                    self.contents.entry(*inode).or_default().resize(*length, 0);
                }
            }
            Change::Entries(entries) => {
                if keeps() {
                    entries.iter().for_each(|(name, inode)| self.enter(name, *inode));
                }
            }
        }
    }

    fn enter(&mut self, name: &str, inode: Option<Inode>) {
        match inode {
            Some(inode) => drop(self.entries.insert(name.to_owned(), inode)),
            None => drop(self.entries.remove(name)),
        }
    }

    fn put(&mut self, inode: Inode, at: usize, bytes: &[u8]) {
        let content = self.contents.entry(inode).or_default();
        let end = at + bytes.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        content[at..end].copy_from_slice(bytes);
    }

    /// Cuts each file that is longer than it was in `before` to a length in between, which `chooses` of so many bytes.
    pub(super) fn shorten(&mut self, before: &Self, mut chooses: impl FnMut(usize) -> usize) {
        for (inode, bytes) in &mut self.contents {
            let least = before.contents.get(inode).map_or(0, Vec::len);
            if bytes.len() > least {
                let length = least + chooses(bytes.len() - least);
                bytes.truncate(length.next_multiple_of(SECTOR_BYTES));
            }
        }
    }

    /// What is found under each name.
    pub(super) fn files(&self) -> Files {
        let content = |inode: &Inode| self.contents.get(inode).cloned().unwrap_or_default();
        self.entries.iter().map(|(name, inode)| (name.clone(), content(inode))).collect()
    }
}
