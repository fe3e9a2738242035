//! A fuzzer without instrumentation, for tests: inputs made of known good ones by chance, replayable by their seed.
//!
//! In `cargo test` each target runs for a second; `KRONIKA_FUZZ_SECONDS=600` gives it ten minutes, and
//! `KRONIKA_FUZZ_SEED=n` other inputs. What a target fails on is written to `proptest-regressions/fuzz/TARGET`,
//! and everything there is tried first from then on: a finding is committed with its fix.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Longest input, in bytes.
const LENGTH_MAX: usize = 64 << 10;
/// Longest time that one input may take, compiled without optimisation.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is fuzzed.
pub(crate) struct Target<'a> {
    /// Name of its directory.
    pub(crate) name: &'a str,
    /// Inputs to start from.
    pub(crate) seeds: Vec<Vec<u8>>,
    /// Pieces that mean something to it.
    pub(crate) words: &'a [&'a str],
}

impl Target<'_> {
    /// Tries inputs until the time is over; one that panics, or takes too long, fails the test and is kept.
    pub(crate) fn run(&self, try_one: impl Fn(&[u8])) {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let time = Duration::from_secs(number("KRONIKA_FUZZ_SECONDS").unwrap_or(1));
        let mut chance = Chance(number("KRONIKA_FUZZ_SEED").unwrap_or(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let (started, mut inputs) = (Instant::now(), 0_u64);
        std::thread::scope(|scope| {
            let (watched, watching) = mpsc::sync_channel(1);
            scope.spawn(move || self.watch(&watching));
            let mut one = |input: &[u8]| {
                // A watcher that is gone has ended the process.
                let _ = watched.send(input.to_vec());
                self.once(&try_one, input);
                inputs += 1;
            };
            self.findings().iter().chain(&self.seeds).for_each(|input| one(input));
            while started.elapsed() < time {
                one(&self.input(&mut chance));
            }
        });
        println!("fuzz {}: {inputs} inputs in {:?}", self.name, started.elapsed());
    }

    fn once(&self, try_one: &impl Fn(&[u8]), input: &[u8]) {
        let started = Instant::now();
        let panicked = catch_unwind(AssertUnwindSafe(|| try_one(input))).is_err();
        if panicked || started.elapsed() > PATIENCE {
            let path = self.keep(input);
            panic!("{} fails after {:?} on the input that is kept in {}", self.name, started.elapsed(), path.display());
        }
    }

    fn keep(&self, input: &[u8]) -> PathBuf {
        let path = self.dir().join(format!("{:016x}", xxhash_rust::xxh3::xxh3_64(input)));
        std::fs::create_dir_all(self.dir()).expect("a directory for findings");
        std::fs::write(&path, input).expect("a file for a finding");
        path
    }

    /// Ends the process where an input does not end: nothing else ends a loop.
    fn watch(&self, inputs: &mpsc::Receiver<Vec<u8>>) {
        let mut now = Vec::new();
        loop {
            match inputs.recv_timeout(3 * PATIENCE) {
                Ok(input) => now = input,
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    eprintln!("{} does not end on the input that is kept in {}", self.name, self.keep(&now).display());
                    std::process::abort();
                }
            }
        }
    }

    fn dir(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("proptest-regressions/fuzz").join(self.name)
    }

    fn findings(&self) -> Vec<Vec<u8>> {
        let Ok(entries) = std::fs::read_dir(self.dir()) else { return Vec::new() };
        entries.map(|entry| std::fs::read(entry.expect("a finding").path()).expect("a finding")).collect()
    }

    /// A seed, changed in some places.
    fn input(&self, chance: &mut Chance) -> Vec<u8> {
        let mut input = self.seeds[chance.below(self.seeds.len())].clone();
        for _ in 0..=chance.below(8) {
            self.change(&mut input, chance);
        }
        input.truncate(LENGTH_MAX);
        input
    }

    fn change(&self, input: &mut Vec<u8>, chance: &mut Chance) {
        let at = chance.below(input.len() + 1);
        let end = (at + 1 + chance.below(16)).min(input.len());
        match chance.below(10) {
            0 if !input.is_empty() => input[at.min(end - 1)] ^= 1 << chance.below(8),
            1 if !input.is_empty() => input[at.min(end - 1)] = chance.next() as u8,
            2 => drop(input.drain(at..end.max(at))),
            3 => input.truncate(at),
            4 => {
                // A piece of another seed.
                let other = &self.seeds[chance.below(self.seeds.len())];
                let from = chance.below(other.len() + 1);
                let piece = other[from..(from + chance.below(64)).min(other.len())].to_vec();
                drop(input.splice(at..at, piece));
            }
            5 => {
                let piece = input[at..end.max(at)].to_vec();
                drop(input.splice(at..at, piece.repeat(1 + chance.below(40))));
            }
            6 => {
                let bytes: Vec<u8> = (0..chance.below(8)).map(|_| chance.next() as u8).collect();
                drop(input.splice(at..at, bytes));
            }
            _ => {
                let word = self.words[chance.below(self.words.len())].bytes();
                let end = if chance.below(2) == 0 { at } else { end.max(at) };
                drop(input.splice(at..end, word));
            }
        }
    }
}

/// Numbers by chance (xorshift64*), the same for the same seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    /// A number from 0 to `end`, which is left out.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}
