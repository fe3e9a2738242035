//! Journals in the order in which they are to come.

use std::sync::mpsc::sync_channel;
use std::time::Instant;

use bytes::Bytes;
use kronika::generate::{Generator, Options};

use crate::load::{self, Server, Size};

/// 2026-10-01.
pub(crate) const FIRST_DAY: i32 = 20_727;
/// With the generator's 20 modules a thousand partitions.
pub(crate) const DAYS: u32 = 50;

/// `events` of `days` days. Journals of different seeds have no id in common.
pub(crate) fn generator(seed: u64, events: u64, first_day: i32, days: u32) -> Generator {
    Generator::new(Options { seed, events, start_date: first_day, days, end_ms: None }).expect("options in range")
}

/// All of a journal, as if its days came at once: some events of each in turn.
pub(crate) fn interleaved(generator: &Generator) -> Bytes {
    const IN_TURN: usize = 4;
    let mut days: Vec<_> = (0..generator.days()).map(|day| generator.day(day)).collect();
    let mut journal = Vec::new();
    while !days.is_empty() {
        days.retain_mut(|day| day.fill(IN_TURN, &mut journal) > 0);
    }
    journal.into()
}

/// All of a journal, day after day.
pub(crate) fn in_order(generator: &Generator) -> Bytes {
    let mut journal = Vec::new();
    for day in 0..generator.days() {
        generator.day(day).write_to(&mut journal).expect("memory takes what it is given");
    }
    journal.into()
}

/// Sends a journal day after day, the next of which is made meanwhile; flushes and compacts. Gives the seconds of sending
/// and of compacting.
pub(crate) async fn fill(server: &Server, generator: Generator) -> (f64, f64) {
    let began = Instant::now();
    let (made, days) = sync_channel(1);
    std::thread::spawn(move || {
        for day in 0..generator.days() {
            let mut journal = Vec::new();
            generator.day(day).write_to(&mut journal).expect("memory takes what it is given");
            if made.send(Bytes::from(journal)).is_err() {
                return;
            }
        }
    });
    let days = std::sync::Arc::new(std::sync::Mutex::new(days));
    loop {
        let days = std::sync::Arc::clone(&days);
        let next = tokio::task::spawn_blocking(move || days.lock().expect("one receiver").recv().ok());
        let Some(journal) = next.await.expect("no panic") else { break };
        load::send(server, load::bodies(&journal, Size::Bytes(1_000_000)), 8).await;
    }
    load::post(server, "/api/v1/admin/flush").await;
    let sent = began.elapsed().as_secs_f64();
    load::post(server, "/api/v1/admin/compact").await;
    (sent, began.elapsed().as_secs_f64() - sent)
}
