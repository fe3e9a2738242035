//! The log on a disk that fails: the real log runs and everything it does to its files is recorded; then the
//! power goes at any point of the recording, and the disk keeps of what was not synced whatever it likes.
//!
//! `KRONIKA_WAL_SIMULATIONS` sets how many disks are made (600 by default), `KRONIKA_WAL_SEED` the first seed.
//!
//! | the disk | what must hold |
//! |---|---|
//! | keeps what was synced, and of the rest any 512-byte sectors and any first part of the changes of names | every acknowledged frame is there, whole, once, in order; others are a continuation of them; the log goes on |
//! | lies: one sync did nothing | never a frame that was not appended, none twice or out of order; else the start is refused |

use std::collections::{BTreeMap, HashMap};

use super::*;
use crate::wal::trace::{Op, Recording};

/// Bytes that a disk writes as one.
const SECTOR: usize = 512;
/// Disks made of one recording.
const DISKS: u64 = 25;

/// A small generator of numbers: one seed replays a simulation.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % sides.max(1)
    }

    fn one_in(&mut self, chance: u64) -> bool {
        self.roll(chance) == 0
    }
}

/// A file as the disk has it, whatever its name is.
#[derive(Debug, Clone, Default)]
struct Inode {
    durable: Vec<u8>,
    /// Writes since the last sync that counted.
    pending: Vec<(u64, Vec<u8>)>,
}

impl Inode {
    fn sync(&mut self) {
        for (offset, bytes) in std::mem::take(&mut self.pending) {
            put(&mut self.durable, offset, &bytes);
        }
    }

    /// What is found after the power cut.
    fn after_cut(&self, dice: &mut Dice) -> Vec<u8> {
        let mut found = self.durable.clone();
        let mood = dice.roll(4); // nothing, everything, or any sectors
        for (offset, bytes) in &self.pending {
            let mut at = 0;
            while at < bytes.len() {
                let place = *offset as usize + at;
                let end = (at + SECTOR - place % SECTOR).min(bytes.len());
                if mood == 1 || mood > 1 && dice.one_in(2) {
                    put(&mut found, place as u64, &bytes[at..end]);
                }
                at = end;
            }
        }
        found
    }
}

fn put(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let end = offset as usize + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset as usize..end].copy_from_slice(bytes);
}

#[derive(Debug, Clone)]
enum Change {
    Add(String, usize),
    Move(String, String),
    Drop(String),
}

fn apply(names: &mut BTreeMap<String, usize>, change: &Change) {
    match change {
        Change::Add(name, inode) => drop(names.insert(name.clone(), *inode)),
        Change::Move(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
        Change::Drop(name) => drop(names.remove(name)),
    }
}

/// The disk after the operations `ops`; `lie` is the sync that does nothing.
#[derive(Debug, Default)]
struct Disk {
    inodes: Vec<Inode>,
    /// Names as the running system sees them, and as the disk has them.
    seen: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    changes: Vec<Change>,
}

impl Disk {
    fn after(ops: &[Op], lie: Option<usize>) -> Self {
        let mut disk = Self::default();
        for (at, op) in ops.iter().enumerate() {
            disk.step(op, lie == Some(at));
        }
        disk
    }

    fn step(&mut self, op: &Op, lies: bool) {
        let change = match op {
            Op::Create(name) => {
                self.inodes.push(Inode::default());
                Change::Add(name.clone(), self.inodes.len() - 1)
            }
            Op::Rename(from, to) => Change::Move(from.clone(), to.clone()),
            Op::Remove(name) => Change::Drop(name.clone()),
            Op::Write { file, offset, bytes } => {
                if let Some(inode) = self.seen.get(file) {
                    self.inodes[*inode].pending.push((*offset, bytes.clone()));
                }
                return;
            }
            Op::Sync(file) => {
                if let Some(inode) = self.seen.get(file).filter(|_| !lies) {
                    self.inodes[*inode].sync();
                }
                return;
            }
            Op::SyncDir => {
                if !lies {
                    self.durable = self.seen.clone();
                    self.changes.clear();
                }
                return;
            }
            Op::Acked(_) => return,
        };
        apply(&mut self.seen, &change);
        self.changes.push(change);
    }

    /// Writes to `dir` what is found after the power cut.
    fn cut(&self, dice: &mut Dice, dir: &Path) {
        let mut names = self.durable.clone();
        let kept = dice.roll(self.changes.len() as u64 + 1) as usize;
        self.changes[..kept].iter().for_each(|change| apply(&mut names, change));
        for (name, inode) in names {
            fs::write(dir.join(name), self.inodes[inode].after_cut(dice)).unwrap();
        }
    }
}

/// A run of the real log: what was appended, and what it did.
fn record(dice: &mut Dice) -> (HashMap<u64, Bytes>, Vec<Op>) {
    let dir = tempfile::tempdir_in(memory()).unwrap();
    let recording = Recording::of(dir.path());
    let (mut log, _) = TestLog::open(dir.path(), &settings(16 << 10, 96 << 10));
    let mut appended = HashMap::new();
    let (mut told, mut forgotten) = (0, 0);
    for _ in 0..12 + dice.roll(24) {
        let burst = 1 + dice.roll(5);
        let mut accepted = 0;
        for _ in 0..burst {
            let length = if dice.one_in(40) { 20_000 } else { 8 + dice.roll(3_000) as usize };
            let next = log.wal.next_seq();
            let content = body(next, length);
            match log.append(frame("shop", 1, content.clone())) {
                Ok(seq) => {
                    assert_eq!(seq, next);
                    appended.insert(seq, content);
                    accepted += 1;
                }
                Err(error) => assert_eq!(error.code(), "wal_full"),
            }
        }
        told += accepted;
        let durable = log.seen.wait(told);
        durable[forgotten.max(told - accepted)..].iter().for_each(|told| {
            if let Told::Durable(seq, _) = told {
                recording.acked(*seq);
            }
        });
        // Segments are recycled: later frames are written over earlier ones.
        if dice.one_in(3) && told > 0 {
            forgotten = told;
            log.wal.forget(&project("shop"), log.wal.next_seq() - 1 - dice.roll(2));
        }
    }
    drop(log);
    (appended, recording.take())
}

/// Memory as a disk, where there is one: a sync costs nothing there.
fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// What a start finds; whether it was refused.
fn start(dir: &Path, appended: &HashMap<u64, Bytes>, seed: u64) -> Option<Vec<u64>> {
    match TestLog::try_open(dir, &settings(16 << 10, 1 << 20)) {
        Ok((mut log, replayed)) => {
            let found: Vec<u64> = replayed.iter().map(|frame| frame.seq).collect();
            for frame in &replayed {
                assert_eq!(appended.get(&frame.seq), Some(&frame.frame.body), "seed {seed}: {} is another", frame.seq);
            }
            assert!(found.windows(2).all(|pair| pair[0] + 1 == pair[1]), "seed {seed}: {found:?}");
            let next = log.append_durably(frame("shop", 1, "behind"));
            assert!(found.last().is_none_or(|last| next == last + 1), "seed {seed}: {next} behind {found:?}");
            Some(found)
        }
        Err(error) => {
            assert!(error.code() == "wal_corrupt", "seed {seed}: {error}");
            None
        }
    }
}

/// One disk after one power cut.
fn simulate(appended: &HashMap<u64, Bytes>, ops: &[Op], seed: u64, lying: bool) -> bool {
    let mut dice = Dice(seed);
    let cut = dice.roll(ops.len() as u64 + 1) as usize;
    let syncs: Vec<usize> = (0..cut).filter(|at| matches!(ops[*at], Op::Sync(_) | Op::SyncDir)).collect();
    let lie = if lying && !syncs.is_empty() { Some(syncs[dice.roll(syncs.len() as u64) as usize]) } else { None };
    let dir = tempfile::tempdir_in(memory()).unwrap();
    Disk::after(&ops[..cut], lie).cut(&mut dice, dir.path());
    let acked = ops[..cut].iter().filter_map(|op| if let Op::Acked(seq) = op { Some(*seq) } else { None }).max();
    let found = start(dir.path(), appended, seed);
    if lie.is_some() {
        return found.is_some();
    }
    let found = found.unwrap_or_else(|| panic!("seed {seed}: refused, though the disk is honest"));
    if let (Some(acked), true) = (acked, !found.is_empty()) {
        assert!(found.last() >= Some(&acked), "seed {seed}: {acked} was acknowledged, {:?} is the last", found.last());
    }
    assert!(acked.is_none() || !found.is_empty(), "seed {seed}: {acked:?} was acknowledged, nothing is there");
    true
}

#[test]
fn whatever_the_disk_keeps_of_what_was_not_synced_nothing_acknowledged_is_lost() {
    let number = |name: &str, default: u64| std::env::var(name).ok().map_or(default, |text| text.parse().unwrap());
    let count = number("KRONIKA_WAL_SIMULATIONS", 600);
    let first = number("KRONIKA_WAL_SEED", 1);
    let (mut honest, mut lied, mut refused, mut frames) = (0, 0, 0, 0);
    for run in 0..count.div_ceil(DISKS) {
        let seed = first + run * DISKS;
        let (appended, ops) = record(&mut Dice(seed));
        frames += appended.len();
        for disk in 0..DISKS {
            let lying = disk % 5 == 4;
            let started = simulate(&appended, &ops, seed + disk, lying);
            match (lying, started) {
                (false, _) => honest += 1,
                (true, true) => lied += 1,
                (true, false) => refused += 1,
            }
        }
    }
    println!(
        "{honest} power cuts of honest disks, {lied} of lying ones ({refused} more refused), {frames} frames: 0 lost"
    );
    assert!(honest + lied + refused >= count);
}
