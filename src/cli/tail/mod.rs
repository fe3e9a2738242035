//! `kronika tail`: events as they happen, over restarts of the server and of the network.

mod sse;

use std::time::Duration;

use clap::ValueEnum;
use futures::StreamExt;
use serde_json::Value;

use self::sse::{Block, Parser};
use super::client::{Call, Client, Policy, ServerArgs};
use super::{CliError, output};

/// How long to wait before coming back where the server did not say it.
const RETRY: Duration = Duration::from_secs(1);
/// A server that says nothing for so long is not there any more; it speaks every `tail.heartbeat`, 15 seconds unless set.
const SILENCE_MAX: Duration = Duration::from_secs(660);

/// Follow events as they become visible, with any filter of the list.
///
/// Goes on by itself after a restart of the server or a lost connection, without a gap and without a double. Ends at Ctrl-C.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to follow, as behind the `?` of `GET /api/v1/tail`: `module=orders`, `outcome!=success`, `http_status>=500`, `q=text`.
    #[arg(value_name = "FIELD=VALUE", value_parser = pair)]
    filters: Vec<(String, String)>,
    /// Columns to show, separated by commas, `*` for all; default: all but the long ones.
    #[arg(long, value_name = "NAMES")]
    fields: Option<String>,
    /// Go on behind this event: its `id` in an earlier stream.
    #[arg(long, value_name = "POSITION")]
    after: Option<String>,
    /// Form of the events.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// End after so many events.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u64>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Form of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// Why a stream is over.
enum Over {
    /// To be taken up again.
    Broken(String),
    /// As many as were asked for.
    Enough,
}

impl Args {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let client = Client::new(&self.server, Policy::PATIENT)?;
        let mut parser = Parser::from(self.after.clone());
        let mut left = self.limit.unwrap_or(u64::MAX);
        loop {
            let response = client.send(&self.call(parser.last_id.as_deref())).await?;
            match self.follow(response, &mut parser, &mut left).await? {
                Over::Enough => return Ok(()),
                Over::Broken(why) => output::note(&format!("the stream ended ({why}), going on")),
            }
            parser.reset();
            tokio::time::sleep(parser.retry.unwrap_or(RETRY)).await;
        }
    }

    fn call(&self, after: Option<&str>) -> Call {
        let mut call = Call::get("/api/v1/tail").header("accept", "text/event-stream");
        for (name, value) in &self.filters {
            call = call.query(name, value);
        }
        call.query_some("fields", self.fields.as_deref()).query_some("last_event_id", after)
    }

    async fn follow(&self, response: reqwest::Response, parser: &mut Parser, left: &mut u64) -> Result<Over, CliError> {
        let mut body = response.bytes_stream();
        loop {
            let piece = match tokio::time::timeout(SILENCE_MAX, body.next()).await {
                Ok(Some(Ok(piece))) => piece,
                Ok(Some(Err(error))) => return Ok(Over::Broken(error.without_url().to_string())),
                Ok(None) => return Ok(Over::Broken("no more came".to_owned())),
                Err(_) => return Ok(Over::Broken("the server is silent".to_owned())),
            };
            let mut over = None;
            parser.feed(&piece, |block| {
                if over.is_none() {
                    over = self.block(&block, left)?;
                }
                Ok::<_, CliError>(())
            })?;
            if let Some(over) = over {
                return Ok(over);
            }
        }
    }

    fn block(&self, block: &Block, left: &mut u64) -> Result<Option<Over>, CliError> {
        let data = || serde_json::from_str::<Value>(&block.data).map_err(|error| CliError::Answer(error.into()));
        match block.event.as_str() {
            "" => {
                output::say(&match self.format {
                    Format::Json => block.data.clone(),
                    Format::Text => line(&data()?),
                })?;
                *left = left.saturating_sub(1);
                Ok((*left == 0).then_some(Over::Enough))
            }
            "dropped" => {
                let events = data()?["events"].as_u64().map_or("some".to_owned(), |events| events.to_string());
                output::note(&format!(
                    "{events} events were left out: they lie further back than the server catches up"
                ));
                Ok(None)
            }
            "end" => ended(&data()?).map(Some),
            _ => Ok(None),
        }
    }
}

/// What the end of a stream means.
fn ended(data: &Value) -> Result<Over, CliError> {
    let reason = data["reason"].as_str().unwrap_or("unknown");
    let detail = data["detail"].as_str().map(|detail| format!(": {detail}")).unwrap_or_default();
    match reason {
        "key_ended" => Err(CliError::Usage("the key was revoked or has expired; use another".to_owned())),
        "project_deleted" => Err(CliError::Usage("the project was deleted".to_owned())),
        _ => Ok(Over::Broken(format!("{reason}{detail}"))),
    }
}

/// An event as one line: when, where, what, how it went, who, about what.
fn line(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().filter(|text| !text.is_empty());
    let object = match (text("object_type"), text("object_id")) {
        (Some(kind), Some(id)) => Some(format!("{kind}:{id}")),
        (kind, id) => kind.or(id).map(str::to_owned),
    };
    let known = [
        text("event_time").map(str::to_owned),
        text("source").map(str::to_owned),
        text("module").map(str::to_owned),
        text("event_type").map(str::to_owned),
        text("outcome").map(str::to_owned),
        text("actor_email").or(text("actor_name")).or(text("actor_id")).map(str::to_owned),
        object,
        text("error_message").or(text("message")).map(str::to_owned),
    ];
    let known: Vec<String> = known.into_iter().flatten().collect();
    match known.as_slice() {
        // Columns were chosen that say none of this.
        [] => event.to_string(),
        known => output::plain(&known.join("  ")),
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write FIELD=VALUE, such as module=orders or outcome!=success".to_owned()),
    }
}

#[cfg(test)]
mod tests;
