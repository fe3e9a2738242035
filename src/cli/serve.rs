//! `kronika serve`: one engine on one data directory, behind the HTTP API.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::CliError;
use super::output::say;
use crate::access::write_private;
use crate::config::{self, Config};
use crate::engine::Engine;
use crate::http::{self, Tls};

/// Run the server until SIGTERM or Ctrl-C.
///
/// Settings come from the defaults, the --config file, `KRONIKA__SECTION__KEY` in the environment and these flags;
/// later ones win.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory of the write-ahead log, keys and, by default, the tables.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// A proxy in front speaks TLS.
    #[arg(long)]
    pub(crate) behind_proxy: bool,
    /// Let keys and events cross the network in the clear.
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Settings file.
    #[arg(long, value_name = "FILE", env = "KRONIKA_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// File that gets the admin key of the first start (mode 0600), instead of it being printed.
    #[arg(long, value_name = "FILE", env = "KRONIKA_ADMIN_KEY_FILE", hide_env_values = true)]
    pub(crate) admin_key_file: Option<PathBuf>,
}

impl Args {
    /// Serves until the process is asked to stop.
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let settings = self.settings()?;
        // Before anything is made on disk.
        let tls = tls(&settings.server)?;
        let engine = Engine::open(settings).await.map_err(CliError::engine)?;
        hand_out_first_key(&engine)?;
        let listener = bind(engine.config().server.listen).await?;
        let address = listener.local_addr().map_err(CliError::file("listen on", "the socket"))?;
        // Whoever reads the next line may ask for the stop at once.
        let asked = asked_to_stop()?;
        say(&format!("listening on {}://{address}", if tls.is_some() { "https" } else { "http" }))?;
        until_stopped(asked, listener, engine, tls).await
    }

    fn settings(&self) -> Result<Config, CliError> {
        let mut config = Config::load(self.config.as_deref())?;
        if let Some(dir) = &self.data_dir {
            config.server.data_dir.clone_from(dir);
        }
        if let Some(listen) = self.listen {
            config.server.listen = listen;
        }
        if self.admin_key_file.is_some() {
            config.server.admin_key_file.clone_from(&self.admin_key_file);
        }
        config.server.behind_proxy |= self.behind_proxy;
        config.server.insecure |= self.insecure;
        config.check()?;
        Ok(config)
    }
}

/// Certificate and key, where the settings name them.
fn tls(settings: &config::Server) -> Result<Option<Tls>, CliError> {
    let (Some(cert), Some(key)) = (&settings.tls_cert, &settings.tls_key) else { return Ok(None) };
    Tls::load(cert, key).map(Some).map_err(CliError::engine)
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
    }
    tracing::info!("stopping");
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
