//! `kronika hold`: what must stay, whatever a policy or an erasure says.

use serde_json::{Map, Value, json};

use super::client::{Call, Client, Policy, Repeat, ServerArgs};
use super::query::params::path_segment;
use super::{CliError, output};

/// List, place and lift legal holds (admin keys).
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List holds, the newest first.
    List {
        /// Only those of this project.
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Place a hold; each option narrows it, and without any it is of all events.
    Set(Box<SetArgs>),
    /// Lift a hold.
    Lift {
        /// Its id.
        id: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// A new hold.
#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    /// Name of the project.
    name: String,
    /// Why: a case, an order of a court.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Only events of this module; the empty name is that of events without one. May be repeated.
    #[arg(long = "module", value_name = "MODULE")]
    modules: Vec<String>,
    /// Only events from this day on (UTC).
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<String>,
    /// Only events up to this day, which is covered as well (UTC).
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<String>,
    /// Only events of this object.
    #[arg(long, value_name = "TYPE:ID")]
    object: Option<String>,
    /// Only events of this actor, by its id or e-mail.
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

const ROOT: &str = "/api/v1/holds";

impl Command {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let (call, json, server) = match self {
            Self::List { name, json, server } => (Call::get(ROOT).query_some("project", name), json, server),
            Self::Set(args) => {
                let call = Call::post(ROOT, Repeat::Untouched).json(&args.body());
                (call, args.json, args.server)
            }
            Self::Lift { id, reason, json, server } => {
                let call = Call::post(format!("{ROOT}/{}/lift", path_segment(&id)), Repeat::Untouched);
                (call.json(&json!({ "reason": reason })), json, server)
            }
        };
        output::show(&Client::new(&server, Policy::PROMPT)?.json(&call).await?, json)
    }
}

impl SetArgs {
    fn body(&self) -> Value {
        let mut hold = Map::new();
        hold.insert("project".into(), self.name.clone().into());
        hold.insert("reason".into(), self.reason.clone().into());
        hold.insert("modules".into(), self.modules.clone().into());
        for (member, value) in
            [("from", &self.from), ("to", &self.to), ("object", &self.object), ("actor", &self.actor)]
        {
            hold.extend(value.clone().map(|value| (member.to_owned(), value.into())));
        }
        hold.into()
    }
}
