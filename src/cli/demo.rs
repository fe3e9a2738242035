//! `kronika demo`: a server with something to look at, in a directory of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::CliError;
use super::output::say;
use super::serve::{asked_to_stop, bind, until_stopped};
use crate::access::{Secret, write_private};
use crate::config::Config;
use crate::engine::{AppendOptions, Engine, now_s};
use crate::event::names::ProjectName;
use crate::generate::{Generator, Options};

/// The golden journals of the five source systems.
const JOURNALS: [(&str, &str); 5] = [
    ("expertsender", include_str!("../../data/golden/expertsender.ndjson")),
    ("getcourse", include_str!("../../data/golden/getcourse.ndjson")),
    ("idosell", include_str!("../../data/golden/idosell.ndjson")),
    ("remonline", include_str!("../../data/golden/remonline.ndjson")),
    ("voucherify", include_str!("../../data/golden/voucherify.ndjson")),
];
/// Days of the generated journal, today included.
const DAYS: u32 = 30;
const SEED: u64 = 7;
/// Events of one generated batch: about 1.2 MB.
const BATCH: usize = 2_000;

/// Run a server with sample data: the journals of five products, and 30 days of a busy shop.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory of the demo; the next run uses it again.
    #[arg(long, value_name = "DIR", default_value = "kronika-demo")]
    pub(crate) data_dir: PathBuf,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7700")]
    pub(crate) listen: SocketAddr,
    /// How many events to generate, spread over 30 days.
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    pub(crate) events: u64,
}

impl Args {
    /// Loads the samples where they are missing, says what to try, and serves.
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let mut config = Config::load(None)?;
        config.server.data_dir.clone_from(&self.data_dir);
        config.server.listen = self.listen;
        config.check()?;
        let listener = bind(self.listen).await?;
        let address = listener.local_addr().map_err(CliError::file("listen on", "the socket"))?;
        let engine = Engine::open(config).await.map_err(CliError::engine)?;
        let key = demo_key(&engine, &self.data_dir)?;
        load(&engine, self.events).await?;
        let asked = asked_to_stop()?;
        let url = format!("http://{address}");
        say(&welcome(&url, &key, &sign_in(&engine, &url, &key)))?;
        say(&format!("listening on http://{address}"))?;
        until_stopped(asked, listener, engine, None).await
    }
}

/// The demo's admin key, kept beside its data so that the next run can show it again.
fn demo_key(engine: &Engine, dir: &Path) -> Result<String, CliError> {
    let path = dir.join("demo.key");
    if let Some(key) = engine.take_first_key() {
        write_private(&path, key.reveal().as_bytes()).map_err(CliError::file("write", &path))?;
    }
    std::fs::read_to_string(&path).map_err(CliError::file("read", &path))
}

async fn load(engine: &Engine, events: u64) -> Result<(), CliError> {
    let (demo, shop) = (project("demo"), project("shop"));
    let known = engine.projects();
    for name in [&demo, &shop] {
        if !known.contains(name) {
            engine.create_project(name.clone()).await.map_err(CliError::engine)?;
        }
    }
    for (system, journal) in JOURNALS {
        let options = AppendOptions { idempotency_key: Some(format!("demo-{system}")), ..AppendOptions::default() };
        engine.append(&demo, journal.into(), options).await.map_err(CliError::engine)?;
    }
    if known.contains(&shop) {
        return Ok(());
    }
    let options = Options::ending_at(crate::engine::now_ms(), DAYS, events, SEED);
    let generator = Generator::new(options).map_err(CliError::engine)?;
    for day in 0..generator.days() {
        let mut day = generator.day(day);
        loop {
            let mut body = Vec::new();
            if day.fill(BATCH, &mut body) == 0 {
                break;
            }
            let options = AppendOptions { mapping: Some("kronika-bench".into()), ..AppendOptions::default() };
            engine.append(&shop, body, options).await.map_err(CliError::engine)?;
        }
    }
    engine.flush(None).await.map_err(CliError::engine)?;
    Ok(())
}

fn project(name: &str) -> ProjectName {
    ProjectName::try_from(name).expect("a project name of the grammar")
}

/// How to get into the page: by a link, while the demo's key is valid.
fn sign_in(engine: &Engine, url: &str, key: &str) -> String {
    let id = Secret::parse(key).map(|secret| secret.id());
    match id.map(|id| engine.keys().make_link(&id, now_s())) {
        Some(Ok((link, _))) => format!(
            "Open the page; the link signs you in once, within {}:\n\n  {url}/login#link={}",
            engine.config().access.link_lifetime,
            link.reveal()
        ),
        Some(Err(error)) => format!("Open the page at {url} and sign in with a key of yours: {error}."),
        None => format!("Open the page at {url} and sign in with a key of yours: what is in `demo.key` is none."),
    }
}

fn welcome(url: &str, key: &str, sign_in: &str) -> String {
    let program = std::env::current_exe().map_or_else(|_| "kronika".to_string(), |path| path.display().to_string());
    format!(
        "\
Kronika's demo is ready: five small journals in the project `demo`, {DAYS} days of a busy shop in `shop`.

  URL  {url}
  key  {key}

{sign_in}

Ask with SQL:

  curl -s {url}/api/v1/query -H 'Authorization: Bearer {key}' -H 'Kronika-Project: demo' \\
    -d '{{\"sql\": \"SELECT source, module, count(*) AS events FROM events GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 5\"}}'

Send an event:

  curl -s {url}/api/v1/events -H 'Authorization: Bearer {key}' -H 'Kronika-Project: demo' \\
    -d '{{\"module\": \"orders\", \"event_type\": \"order.paid\", \"object_type\": \"order\", \"object_id\": \"55042\", \"amount\": 249.90}}'

Ask from the command line:

  {program} query \"SELECT date, count(*) AS events FROM events GROUP BY date ORDER BY date DESC LIMIT 7\" \\
    --server {url} --key {key} --project shop

Stop it with Ctrl-C.
"
    )
}
