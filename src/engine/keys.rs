//! The job of the keys: what has expired ends, and uses are written down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Inner, now_s};

/// How often expired keys are looked for: their queries end within a second.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often times of last use are written.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// Starts the job.
pub(super) fn start(engine: &Arc<Inner>) {
    let keys = Arc::clone(&engine.keys);
    let saved = Arc::new(Mutex::new(Instant::now()));
    engine.tasks.start("keys", LOOK_EVERY, Arc::new(Notify::new()), move || {
        let (keys, saved) = (Arc::clone(&keys), Arc::clone(&saved));
        async move {
            keys.end_expired(now_s());
            if saved.lock().elapsed() < SAVE_EVERY {
                return Ok(());
            }
            *saved.lock() = Instant::now();
            let written = tokio::task::spawn_blocking(move || keys.save_uses()).await;
            written.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
        }
        .boxed()
    });
}
