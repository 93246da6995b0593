//! What tells whether a row is new: for every key the hash of the row that was landed last, in sorted files.
//!
//! An entry takes 32 bytes: the key's hash (16), the row's hash (12), the day since which that version is known (4). A
//! file's entries are followed by the key of every 32nd of them, which is all that is held in memory (half a byte a key);
//! a look-up reads one block of 1 KiB a file. Every checkpoint adds a file; once four lie side by side of about one size they
//! are merged, so that ten million keys lie in some twenty files at most and a key is rewritten about a dozen times. While a first
//! read fills an empty index, a filter in memory (ten bits a key) spares the look-ups of keys that cannot be there.

use super::hash::GONE;
use super::state::IndexFile;
use crate::error::{Class, Error, Result};
use crate::store::{Draft, Precondition, Store, short};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

const ENTRY_BYTES: usize = 32;
const BLOCK: usize = 32;

/// How many files of about one size are merged into one.
const FAN: usize = 4;

/// Entries of the smallest size that is told apart.
const SMALLEST: u64 = 4_096;

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub key: u128,
    /// The hash of its newest row; [`GONE`] where it was deleted.
    pub row: u128,
    /// Days since 1970: since when that version is known.
    pub day: i32,
}

impl Entry {
    fn bytes(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0_u8; ENTRY_BYTES];
        let (key, rest) = bytes.split_at_mut(16);
        key.copy_from_slice(&self.key.to_be_bytes());
        rest.copy_from_slice(&((self.row << 32) | u128::from(self.day.cast_unsigned())).to_be_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Entry {
        let number = |range: std::ops::Range<usize>| {
            let half: Option<[u8; 16]> = bytes.get(range).and_then(|half| half.try_into().ok());
            u128::from_be_bytes(half.unwrap_or_default())
        };
        let rest = number(16..32);
        let day = u32::try_from(rest & u128::from(u32::MAX)).unwrap_or_default().cast_signed();
        Entry { key: number(0..16), row: rest >> 32, day }
    }
}

/// One sorted file.
#[derive(Debug)]
struct Run {
    listed: IndexFile,
    path: PathBuf,
    file: File,
    /// The key of the first entry of every block.
    fences: Vec<u128>,
}

impl Run {
    fn open(store: &Store, listed: &IndexFile) -> Result<Run> {
        let path = store.path(&listed.key)?;
        let file = File::open(&path).map_err(|error| Error::io("open", &path, &error))?;
        let blocks = listed.entries.div_ceil(BLOCK as u64);
        let mut bytes = vec![0_u8; usize::try_from(blocks * 16).unwrap_or(0)];
        file.read_exact_at(&mut bytes, listed.entries * ENTRY_BYTES as u64)
            .map_err(|error| Error::io("read", &path, &error))?;
        let (fences, _) = bytes.as_chunks::<16>();
        let fences = fences.iter().map(|fence| u128::from_be_bytes(*fence)).collect();
        Ok(Run { listed: listed.clone(), path, file, fences })
    }

    fn find(&self, key: u128, block: &mut Block) -> Result<Option<Entry>> {
        let Some(at) = self.fences.partition_point(|fence| *fence <= key).checked_sub(1) else { return Ok(None) };
        if block.at != Some(at) {
            let first = at as u64 * BLOCK as u64;
            let entries = usize::try_from((self.listed.entries - first).min(BLOCK as u64)).unwrap_or(BLOCK);
            block.bytes.resize(entries * ENTRY_BYTES, 0);
            self.file.read_exact_at(&mut block.bytes, first * ENTRY_BYTES as u64).map_err(|error| {
                Error::new(Class::TryAgain, format!("could not read {}", self.listed.key)).caused_by(error)
            })?;
            block.at = Some(at);
        }
        let (entries, _) = block.bytes.as_chunks::<ENTRY_BYTES>();
        let found = entries.binary_search_by(|entry| Entry::read(entry).key.cmp(&key));
        Ok(found.ok().and_then(|at| entries.get(at)).map(|entry| Entry::read(entry)))
    }
}

/// The block that was read last.
#[derive(Default)]
struct Block {
    at: Option<usize>,
    bytes: Vec<u8>,
}

/// Ten bits a key, three of them set: one of sixty keys that are not there seems to be.
#[derive(Debug)]
struct Filter {
    bits: Vec<u64>,
    keys: u64,
}

impl Filter {
    fn for_keys(keys: u64) -> Self {
        let words = (keys.max(1 << 20) * 10).div_ceil(64);
        Filter { bits: vec![0; usize::try_from(words).unwrap_or(1)], keys: 0 }
    }

    fn capacity(&self) -> u64 {
        self.bits.len() as u64 * 64 / 10
    }

    fn places(&self, key: u128) -> [(usize, u64); 3] {
        let bits = self.bits.len() as u64 * 64;
        let low = u64::try_from(key & u128::from(u64::MAX)).unwrap_or_default();
        let high = u64::try_from(key >> 64).unwrap_or_default() | 1;
        [0_u64, 1, 2].map(|step| {
            let bit = low.wrapping_add(step.wrapping_mul(high)) % bits;
            (usize::try_from(bit / 64).unwrap_or(0), 1 << (bit % 64))
        })
    }

    fn add(&mut self, key: u128) {
        self.keys += 1;
        for (word, bit) in self.places(key) {
            if let Some(word) = self.bits.get_mut(word) {
                *word |= bit;
            }
        }
    }

    fn may_hold(&self, key: u128) -> bool {
        self.places(key).iter().all(|(word, bit)| self.bits.get(*word).is_none_or(|word| word & bit != 0))
    }
}

/// The index of one stream while rows are landed.
#[derive(Debug)]
pub(super) struct Index {
    store: Store,
    prefix: String,
    runs: Vec<Run>,
    /// What the open checkpoint has added.
    pending: HashMap<u128, Entry>,
    filter: Option<Filter>,
    /// Keys that were looked up in files.
    asked: u64,
}

impl Index {
    pub fn open(store: &Store, prefix: &str, listed: &[IndexFile]) -> Result<Index> {
        let runs = listed.iter().map(|file| Run::open(store, file)).collect::<Result<Vec<_>>>()?;
        let filter = runs.is_empty().then(|| Filter::for_keys(0));
        let (store, prefix) = (store.clone(), prefix.to_owned());
        Ok(Index { store, prefix, runs, pending: HashMap::new(), filter, asked: 0 })
    }

    /// What is known of each of `keys`.
    pub fn find(&mut self, keys: &[u128]) -> Result<Vec<Option<Entry>>> {
        let mut found: Vec<Option<Entry>> = keys.iter().map(|key| self.pending.get(key).copied()).collect();
        let may_hold = |key: u128| self.filter.as_ref().is_none_or(|filter| filter.may_hold(key));
        let is_open = |at: &usize| found.get(*at).is_some_and(Option::is_none);
        let key_at = |at: &usize| keys.get(*at).copied().unwrap_or_default();
        let mut open: Vec<usize> = (0..keys.len()).filter(|at| is_open(at) && may_hold(key_at(at))).collect();
        // In the order of the files, so that neighbours share a block.
        open.sort_unstable_by_key(key_at);
        self.asked += open.len() as u64;
        for run in self.runs.iter().rev() {
            let mut block = Block::default();
            let mut missing = Vec::with_capacity(open.len());
            for at in open {
                match run.find(key_at(&at), &mut block)? {
                    Some(entry) => {
                        if let Some(slot) = found.get_mut(at) {
                            *slot = Some(entry);
                        }
                    }
                    None => missing.push(at),
                }
            }
            open = missing;
        }
        self.consider_filter()?;
        Ok(found)
    }

    /// Many look-ups of new keys are worth one pass over the files.
    fn consider_filter(&mut self) -> Result<()> {
        let entries: u64 = self.entries();
        if self.filter.as_ref().map_or(self.asked <= entries / 16, |filter| filter.keys <= filter.capacity()) {
            return Ok(());
        }
        let mut filter = Filter::for_keys((entries + self.pending.len() as u64) * 2);
        for run in &self.runs {
            for entry in Entries::of(run)? {
                filter.add(entry?.key);
            }
        }
        self.pending.keys().for_each(|key| filter.add(*key));
        self.filter = Some(filter);
        Ok(())
    }

    fn entries(&self) -> u64 {
        self.runs.iter().map(|run| run.listed.entries).sum()
    }

    /// What the open checkpoint has landed of a key.
    pub fn pending(&self, key: u128) -> Option<Entry> {
        self.pending.get(&key).copied()
    }

    /// Remembers what was landed.
    pub fn set(&mut self, entry: Entry) {
        if self.pending.insert(entry.key, entry).is_none()
            && let Some(filter) = &mut self.filter
        {
            filter.add(entry.key);
        }
    }

    /// Writes what the checkpoint added; `written` takes every new key. The files to list from now on.
    pub fn flush(&mut self, sequence: u64, written: &mut Vec<String>) -> Result<Vec<IndexFile>> {
        if !self.pending.is_empty() {
            let mut entries: Vec<Entry> = self.pending.drain().map(|(_, entry)| entry).collect();
            entries.sort_unstable_by_key(|entry| entry.key);
            let listed = write(&self.store, &self.prefix, sequence, entries.into_iter().map(Ok), written)?;
            self.runs.push(Run::open(&self.store, &listed)?);
        }
        while let Some(first) = self.mergeable() {
            self.merge(first, sequence, written)?;
        }
        Ok(self.runs.iter().map(|run| run.listed.clone()).collect())
    }

    /// From where the newest files are worth merging.
    fn mergeable(&self) -> Option<usize> {
        let tier = |run: &Run| (run.listed.entries / SMALLEST).max(1).ilog2() / 2;
        let most = self.runs.iter().map(tier).max()?;
        (0..=most).find_map(|level| {
            let alike = self.runs.iter().rev().take_while(|run| tier(run) <= level).count();
            (alike >= FAN).then(|| self.runs.len() - alike)
        })
    }

    fn merge(&mut self, first: usize, sequence: u64, written: &mut Vec<String>) -> Result<()> {
        let merged = self.runs.split_off(first);
        // Keys that are gone stay: files that were not compacted yet may still hold them.
        let entries = Merged::of(&merged)?;
        let listed = write(&self.store, &self.prefix, sequence, entries, written)?;
        self.runs.push(Run::open(&self.store, &listed)?);
        Ok(())
    }

    /// Every key that is there, in order, with what was written so far.
    pub fn live(&self) -> Result<impl Iterator<Item = Result<Entry>>> {
        let merged = Merged::of(&self.runs)?;
        Ok(merged.filter(|entry| entry.as_ref().map_or(true, |entry| entry.row != GONE)))
    }
}

/// Writes sorted entries as a file.
///
/// # Errors
/// The disk fails (75).
pub(super) fn write(
    store: &Store,
    prefix: &str,
    sequence: u64,
    entries: impl Iterator<Item = Result<Entry>>,
    written: &mut Vec<String>,
) -> Result<IndexFile> {
    let draft = store.draft(&format!("{prefix}/draft"))?;
    let failed = |error: &std::io::Error| Error::io("write", draft.path(), error);
    let mut writer = BufWriter::with_capacity(128 << 10, draft.file()?);
    let (mut count, mut fences) = (0_u64, Vec::new());
    for entry in entries {
        let entry = entry?;
        if count.is_multiple_of(BLOCK as u64) {
            fences.push(entry.key);
        }
        writer.write_all(&entry.bytes()).map_err(|error| failed(&error))?;
        count += 1;
    }
    for fence in fences {
        writer.write_all(&fence.to_be_bytes()).map_err(|error| failed(&error))?;
    }
    writer.flush().map_err(|error| failed(&error))?;
    drop(writer);
    let key = settle(store, draft, prefix, sequence, "index")?;
    written.push(key.clone());
    Ok(IndexFile { key, entries: count })
}

/// Gives a finished file its key, with the sequence and a hash of its bytes in it.
///
/// # Errors
/// The disk fails (75).
pub(super) fn settle(store: &Store, draft: Draft, prefix: &str, sequence: u64, kind: &str) -> Result<String> {
    let (sha256, _) =
        crate::store::sha256_file(draft.path()).map_err(|error| Error::io("read", draft.path(), &error))?;
    let hash = short(&sha256).get(..8).unwrap_or_default().to_owned();
    let key = format!("{prefix}/{sequence:08}-{hash}.{kind}");
    // A file of that name is the same bytes, left by a run that died before its state was written.
    store.discard(&key)?;
    draft.commit_as(&key, &Precondition::Absent)?;
    Ok(key)
}

/// The entries of a file, in order.
struct Entries {
    reader: BufReader<File>,
    left: u64,
    key: String,
}

impl Entries {
    fn of(run: &Run) -> Result<Entries> {
        let file = File::open(&run.path).map_err(|error| Error::io("open", &run.path, &error))?;
        let reader = BufReader::with_capacity(128 << 10, file);
        Ok(Entries { reader, left: run.listed.entries, key: run.listed.key.clone() })
    }
}

impl Iterator for Entries {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        self.left = self.left.checked_sub(1)?;
        let mut bytes = [0_u8; ENTRY_BYTES];
        Some(match self.reader.read_exact(&mut bytes) {
            Ok(()) => Ok(Entry::read(&bytes)),
            Err(error) => Err(Error::new(Class::TryAgain, format!("could not read {}", self.key)).caused_by(error)),
        })
    }
}

/// The entries of several files in the order of their keys; of one key the newest file's.
struct Merged {
    /// Newest first.
    sources: Vec<std::iter::Peekable<Entries>>,
}

impl Merged {
    fn of(runs: &[Run]) -> Result<Merged> {
        let sources = runs.iter().rev().map(|run| Ok(Entries::of(run)?.peekable())).collect::<Result<_>>()?;
        Ok(Merged { sources })
    }
}

impl Iterator for Merged {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        let mut least: Option<u128> = None;
        for source in &mut self.sources {
            match source.peek() {
                Some(Ok(entry)) => least = Some(least.map_or(entry.key, |least| least.min(entry.key))),
                Some(Err(_)) => return source.next(),
                None => {}
            }
        }
        let least = least?;
        let mut first = None;
        for source in &mut self.sources {
            if source.peek().is_some_and(|entry| entry.as_ref().is_ok_and(|entry| entry.key == least)) {
                let entry = source.next();
                first = first.or(entry);
            }
        }
        first
    }
}

/// The keys of sorted files that share no order with one another, merged.
///
/// # Errors
/// A file cannot be opened (75).
pub(super) fn keys_of(store: &Store, listed: &[IndexFile]) -> Result<impl Iterator<Item = Result<u128>> + use<>> {
    let runs = listed.iter().map(|file| Run::open(store, file)).collect::<Result<Vec<_>>>()?;
    Ok(Merged::of(&runs)?.map(|entry| entry.map(|entry| entry.key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_entry_of_a_key_is_found_over_many_files() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let prefix = "_tailwater/landing/t/s/api/x";
        let key = |number: u64| u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let mut index = Index::open(&store, prefix, &[]).unwrap();
        let (mut listed, mut written) = (Vec::new(), Vec::new());
        for round in 0..9_u64 {
            for number in round * 500..round * 500 + 1_000 {
                index.set(Entry { key: key(number), row: u128::from(round) + 1, day: -3 });
            }
            listed = index.flush(round, &mut written).unwrap();
        }
        assert!(listed.len() < FAN, "{listed:?}");
        let mut again = Index::open(&store, prefix, &listed).unwrap();
        for index in [&mut index, &mut again] {
            let found = index.find(&[key(0), key(700), key(4_999), key(5_000)]).unwrap();
            let rows: Vec<Option<u128>> = found.iter().map(|entry| entry.map(|entry| entry.row)).collect();
            assert_eq!(rows, [Some(1), Some(2), Some(9), None]);
            assert_eq!(found[0].unwrap().day, -3);
        }
        again.set(Entry { key: key(0), row: GONE, day: 1 });
        let listed = again.flush(10, &mut written).unwrap();
        assert_eq!(again.live().unwrap().count(), 4_999);
        assert_eq!(keys_of(&store, &listed).unwrap().count(), 5_000);
    }
}
