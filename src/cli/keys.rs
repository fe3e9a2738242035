//! `kronika keys`: who may send, ask and run the server.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::{Call, Client, Policy, Repeat, ServerArgs};
use super::query::params::path_segment;
use super::quota::{Part, quota};
use super::{CliError, output};
use crate::access::write_private;
use crate::config::Span;

const ROOT: &str = "/api/v1/keys";

/// List, make, rotate and revoke API keys (admin keys).
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List all keys: state, scopes, restrictions, last use; never a secret.
    List {
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Make a key; its secret is shown this once. --project says for which project.
    Create(Box<Create>),
    /// Give a key another secret; the one it has stays valid for a while.
    Rotate {
        /// Id of the key, as `kronika keys list` shows it.
        id: String,
        /// How long the secret that it has now stays valid, such as `24h`; `0s` ends it at once.
        #[arg(long, value_name = "TIME")]
        overlap: Option<Span>,
        /// How long the key is valid from now on, such as `90d`.
        #[arg(long, value_name = "TIME")]
        expires_in: Option<Span>,
        #[command(flatten)]
        shown: Shown,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give a key another quota.
    Quota {
        /// Id of the key, as `kronika keys list` shows it.
        id: String,
        /// Parts of the quota, such as `requests_per_second=10`; parts that are not named are what the server's settings say.
        #[arg(value_name = "NAME=VALUE")]
        parts: Vec<Part>,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Revoke a key: it opens nothing any more, and its running queries stop.
    Revoke {
        /// Id of the key, as `kronika keys list` shows it.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Make a key.
#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// What the key is for, for people.
    name: String,
    /// What it may do; repeat for more.
    #[arg(long = "scope", value_enum, required = true)]
    scopes: Vec<ScopeName>,
    /// Mapping of events sent without naming one.
    #[arg(long, value_name = "NAME")]
    mapping: Option<String>,
    /// `source` of events that name none.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// How long it is valid, such as `90d`.
    #[arg(long, value_name = "TIME")]
    expires_in: Option<Span>,
    /// Only these modules, as a pattern with `*` and `?`; repeat for more.
    #[arg(long = "module", value_name = "PATTERN")]
    modules: Vec<String>,
    /// Only this tenant; repeat for more.
    #[arg(long = "tenant", value_name = "ID")]
    tenant_ids: Vec<String>,
    /// Only this dataset (a log of the source system); repeat for more.
    #[arg(long = "dataset", value_name = "NAME")]
    datasets: Vec<String>,
    /// Only this location (`unit_id`); repeat for more.
    #[arg(long = "unit", value_name = "ID")]
    unit_ids: Vec<String>,
    /// Only events about objects of this type; repeat for more.
    #[arg(long = "object-type", value_name = "TYPE")]
    object_types: Vec<String>,
    /// Only the history of this object; repeat for more.
    #[arg(long = "object", value_name = "TYPE:ID")]
    objects: Vec<String>,
    /// No events that only their object shows (`visibility` `object`).
    #[arg(long)]
    general_only: bool,
    /// Only events of so many days back.
    #[arg(long, value_name = "DAYS")]
    lookback_days: Option<u32>,
    /// A column that it must not read; repeat for more. `raw` and `attributes` are masked with any.
    #[arg(long = "mask", value_name = "COLUMN")]
    masked_columns: Vec<String>,
    /// Only from this network, such as `10.0.0.0/8`; repeat for more.
    #[arg(long = "from", value_name = "NETWORK")]
    sources: Vec<String>,
    /// A part of its quota, such as `requests_per_second=10`; repeat for more.
    #[arg(long = "quota", value_name = "NAME=VALUE")]
    quota: Vec<Part>,
    #[command(flatten)]
    shown: Shown,
    #[command(flatten)]
    server: ServerArgs,
}

/// Where a new secret goes.
#[derive(Debug, clap::Args)]
pub(crate) struct Shown {
    /// Write the secret to this file (mode 0600) instead of showing it.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ScopeName {
    /// Send events.
    Ingest,
    /// Ask questions.
    Query,
    /// Take data out in bulk.
    Export,
    /// Ask products to restore what was deleted.
    Restore,
    /// Everything, in every project.
    Admin,
    /// Read who read and changed what.
    AuditRead,
}

impl ScopeName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Query => "query",
            Self::Export => "export",
            Self::Restore => "restore",
            Self::Admin => "admin",
            Self::AuditRead => "audit-read",
        }
    }
}

/// What is read of a key in a list.
#[derive(Debug, Deserialize)]
struct Listed {
    id: String,
    name: String,
    state: String,
    scopes: Vec<String>,
    project: Option<String>,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    restrictions: Map<String, Value>,
}

impl Command {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::List { json, server } => {
                let client = Client::new(&server, Policy::PROMPT)?;
                if json {
                    return output::show(&client.json(&Call::get(ROOT)).await?, true);
                }
                let keys: Vec<Listed> = client.json(&Call::get(ROOT)).await?;
                output::say(table(&keys).render(output::terminal_width()).trim_end_matches('\n'))
            }
            Self::Create(create) => {
                let call = Call::post(ROOT, Repeat::Untouched).json(&create.body());
                create.shown.secret(&create.server, &call).await
            }
            Self::Rotate { id, overlap, expires_in, shown, server } => {
                let text = |span: Option<Span>| span.map(|span| span.to_string());
                let body = json!({"overlap": text(overlap), "expires_in": text(expires_in)});
                let call = Call::post(format!("{ROOT}/{}/rotate", path_segment(&id)), Repeat::Untouched).json(&body);
                shown.secret(&server, &call).await
            }
            Self::Quota { id, parts, json, server } => {
                let call = Call::put(format!("{ROOT}/{}/quota", path_segment(&id))).json(&quota(&parts));
                output::show(&Client::new(&server, Policy::PROMPT)?.json(&call).await?, json)
            }
            Self::Revoke { id, server } => {
                let call = Call::delete(format!("{ROOT}/{}", path_segment(&id)), Repeat::Always);
                Client::new(&server, Policy::PROMPT)?.send(&call).await?;
                output::say(&format!("key {id} is revoked"))
            }
        }
    }
}

impl Create {
    fn body(&self) -> Value {
        let list = |values: &[String]| (!values.is_empty()).then(|| values.to_vec());
        let scopes: Vec<&str> = self.scopes.iter().map(|scope| scope.as_str()).collect();
        let admin = self.scopes.iter().any(|scope| matches!(scope, ScopeName::Admin));
        let mut body = json!({
            "name": self.name,
            "scopes": scopes,
            "project": self.server.project.as_ref().filter(|_| !admin),
            "mapping": self.mapping,
            "source": self.source,
            "restrictions": {
                "modules": list(&self.modules),
                "tenant_ids": list(&self.tenant_ids),
                "datasets": list(&self.datasets),
                "unit_ids": list(&self.unit_ids),
                "object_types": list(&self.object_types),
                "objects": list(&self.objects),
                "general_only": self.general_only,
                "lookback_days": self.lookback_days,
                "masked_columns": list(&self.masked_columns),
                "sources": list(&self.sources),
            },
            "quota": quota(&self.quota),
        });
        if let Some(span) = self.expires_in {
            body["expires_in"] = json!(span.to_string());
        }
        body
    }
}

impl Shown {
    /// Sends a call whose answer has a secret, and shows or keeps it.
    async fn secret(&self, server: &ServerArgs, call: &Call) -> Result<(), CliError> {
        let client = Client::new(server, Policy::PROMPT)?;
        if let Some(path) = &self.secret_file {
            // Before the secret exists: one that cannot be kept would be lost.
            self.keep(path, "")?;
        }
        let mut answer: Value = client.json(call).await?;
        if let Some(path) = &self.secret_file {
            let secret = answer.as_object_mut().and_then(|members| members.shift_remove("secret"));
            self.keep(path, secret.as_ref().and_then(Value::as_str).unwrap_or_default())?;
        }
        output::show(&answer, self.json)
    }

    fn keep(&self, path: &Path, secret: &str) -> Result<(), CliError> {
        write_private(path, format!("{secret}\n").as_bytes()).map_err(CliError::file("write", path))
    }
}

fn table(keys: &[Listed]) -> output::Table {
    let columns = ["id", "name", "state", "project", "scopes", "expires", "last used", "restrictions"];
    let columns = columns.map(|name| output::Column { name: name.into(), right: false }).to_vec();
    let row = |key: &Listed| {
        let restrictions: Vec<String> =
            key.restrictions.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        vec![
            Some(key.id.clone()),
            Some(key.name.clone()),
            Some(key.state.clone()),
            key.project.clone(),
            Some(key.scopes.join(" ")),
            key.expires_at.clone(),
            key.last_used_at.clone(),
            Some(restrictions.join("; ")),
        ]
    };
    output::Table { columns, rows: keys.iter().map(row).collect() }
}
