//! Group commit with callers that wait: each sync carries the frames of several. Shows the rate; with more
//! frames and `--release --nocapture` on a quiet machine it is the log's speed.

use std::sync::mpsc;
use std::thread;

use super::*;

/// Gives each appender its answer.
struct Reply;

impl Sink<mpsc::Sender<u64>> for Reply {
    fn durable(&mut self, batch: Vec<(u64, mpsc::Sender<u64>)>) {
        for (seq, appender) in batch {
            appender.send(seq).unwrap();
        }
    }

    fn failed(&mut self, error: Arc<WalError>, _: Vec<mpsc::Sender<u64>>) {
        panic!("{error}");
    }
}

#[test]
fn callers_that_wait_share_syncs() {
    const THREADS: u64 = 16;
    const EACH: u64 = 40;
    let dir = tempfile::tempdir().unwrap();
    let wal = Wal::open(dir.path(), &settings(64 << 20, 4 << 30), &mut |_| Ok(()), Box::new(Reply)).unwrap();
    let (start, payload) = (Instant::now(), body(1, 60_000));
    let mut waits: Vec<Duration> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    let (reply, answer) = mpsc::channel();
                    let one = |_| {
                        let sent = Instant::now();
                        let seq = wal
                            .append(frame("shop", 100, payload.clone()), reply.clone())
                            .map_err(|(error, _)| error)
                            .unwrap();
                        assert_eq!(answer.recv().unwrap(), seq);
                        wal.forget(&project("shop"), seq);
                        sent.elapsed()
                    };
                    (0..EACH).map(one).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let (elapsed, stats) = (start.elapsed(), wal.stats());
    waits.sort_unstable();
    let at = |share: usize| waits[(waits.len() - 1) * share / 100];
    let rate = stats.written_bytes as f64 / 1e6 / elapsed.as_secs_f64();
    println!(
        "{rate:.0} MB/s; ack p50 {:?}, p99 {:?}; {} frames in {} syncs",
        at(50),
        at(99),
        stats.frames,
        stats.syncs
    );
    assert_eq!(stats.frames, THREADS * EACH);
    assert!(stats.syncs < stats.frames / 2, "{} syncs", stats.syncs);
}
