//! What systemd is told where it started the server (`Type=notify`): ready, stopping, still alive.
//!
//! Without `NOTIFY_SOCKET` in the environment nothing is told, and nobody waits for it.

use std::time::Duration;

use sd_notify::NotifyState;

/// The server takes requests.
pub(super) fn ready(address: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("listening on {address}"))]);
}

/// The server has begun to stop.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// Tells that the process is alive, twice in the time that systemd allows, as long as this is polled: a runtime
/// that is stuck does not.
pub(super) async fn keep_alive() {
    let Some(allowed) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    let mut tick = tokio::time::interval((allowed / 2).max(Duration::from_millis(1)));
    loop {
        tick.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
