//! `kronika serve`: one engine on one data directory, behind the HTTP API.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::output::say;
use super::settings::{SettingsArgs, tls};
use super::{CliError, logs, supervisor};
use crate::access::write_private;
use crate::engine::Engine;
use crate::http::{self, Tls};

/// Run the server until SIGTERM or Ctrl-C.
///
/// Settings come from the defaults, the --config file, `KRONIKA__SECTION__KEY` in the environment and these flags;
/// later ones win. `kronika config default` prints them all with their meaning.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only check the settings, and the certificate if they name one; exit code 78 when they cannot be used.
    #[arg(long)]
    check_config: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

impl Args {
    /// Serves until the process is asked to stop.
    pub(crate) async fn run(self) -> Result<(), CliError> {
        if self.check_config {
            return super::config::check(&self.settings);
        }
        crate::failpoint::check().map_err(CliError::Usage)?;
        let settings = self.settings.resolve()?;
        logs::start(&settings.log)?;
        settings.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
        // Before anything is made on disk.
        let tls = tls(&settings.server)?;
        let engine = Engine::open(settings).await.map_err(CliError::engine)?;
        hand_out_first_key(&engine)?;
        let listener = bind(engine.config().server.listen).await?;
        let address = listener.local_addr().map_err(CliError::file("listen on", "the socket"))?;
        // Whoever reads the next line may ask for the stop at once.
        let asked = asked_to_stop()?;
        say(&format!("listening on {}://{address}", if tls.is_some() { "https" } else { "http" }))?;
        supervisor::ready(&address.to_string());
        until_stopped(asked, listener, engine, tls).await
    }
}

/// Binds the address that the settings name.
pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener, CliError> {
    TcpListener::bind(address).await.map_err(CliError::file("listen on", address.to_string()))
}

/// The first start makes an admin key: into the file that the settings name, else shown once.
fn hand_out_first_key(engine: &Engine) -> Result<(), CliError> {
    let Some(key) = engine.take_first_key() else { return Ok(()) };
    match &engine.config().server.admin_key_file {
        Some(path) => {
            write_private(path, format!("{}\n", key.reveal()).as_bytes()).map_err(CliError::file("write", path))
        }
        None => say(&format!("admin key, shown only now: {}", key.reveal())),
    }
}

/// Serves; once `asked` stops accepting, lets requests finish, flushes, closes the log.
pub(super) async fn until_stopped(
    asked: impl Future<Output = ()>,
    listener: TcpListener,
    engine: Engine,
    tls: Option<Tls>,
) -> Result<(), CliError> {
    let patience = engine.config().server.stop_timeout.0;
    let stop = CancellationToken::new();
    // Without a certificate SIGHUP ends the process, as the terminal that is closed expects.
    let hangups = tls.as_ref().map(|_| signal(SignalKind::hangup())).transpose().map_err(no_signals)?;
    let fresh = tls.clone().zip(hangups);
    let keep_fresh = async {
        match fresh {
            Some((tls, hangups)) => tls.keep_fresh(hangups).await,
            None => std::future::pending().await,
        }
    };
    let server = http::serve(listener, engine.clone(), tls, stop.clone().cancelled_owned());
    tokio::pin!(server);
    tokio::select! {
        ended = &mut server => ended.map_err(CliError::file("serve on", "the socket"))?,
        () = asked => {}
        () = keep_fresh => {}
        () = supervisor::keep_alive() => {}
    }
    tracing::info!("stopping");
    supervisor::stopping();
    engine.begin_stop();
    stop.cancel();
    // Half of the time for requests that are running, the rest for the flush.
    if tokio::time::timeout(patience / 2, &mut server).await.is_err() {
        tracing::warn!("requests that were still running were cut off");
    }
    match tokio::time::timeout(patience / 2, engine.stop()).await {
        Ok(stopped) => stopped.map_err(CliError::engine),
        Err(_) => {
            tracing::warn!("the flush did not end in time; what is not in the tables is in the log");
            Ok(())
        }
    }
}

/// Catches SIGTERM and Ctrl-C from now on; the future resolves at the first.
pub(super) fn asked_to_stop() -> Result<impl Future<Output = ()>, CliError> {
    let mut terminated = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(no_signals)?;
    Ok(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    })
}

fn no_signals(source: std::io::Error) -> CliError {
    CliError::File { action: "catch signals of", path: "the process".into(), source }
}
