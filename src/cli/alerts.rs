//! `kronika alerts`: questions that are asked again and again, and who is told.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::client::{Call, Client, Policy, Repeat, ServerArgs};
use super::query::params::path_segment;
use super::{CliError, output};

/// List, make, try and delete alerts.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the alerts of the project with where each stands.
    List {
        /// List ready-made ones instead.
        #[arg(long)]
        templates: bool,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Make an alert: a ready-made one, one from a file, or both, where the file changes what the ready-made one says.
    Create {
        /// Name of a ready-made alert.
        #[arg(long, value_name = "NAME", required_unless_present = "file")]
        template: Option<String>,
        /// JSON of the alert, as `POST /api/v1/alerts` takes it; `-` reads standard input.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Call this URL. May be repeated.
        #[arg(long, value_name = "URL")]
        webhook: Vec<String>,
        /// Send a mail to this address. May be repeated.
        #[arg(long, value_name = "ADDRESS")]
        email: Vec<String>,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Ask an alert now, and tell its channels that this is a trial.
    Test {
        /// Its id.
        id: String,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Delete an alert.
    Delete {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

const ROOT: &str = "/api/v1/alerts";

impl Command {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::List { templates, json, server } => {
                let path = if templates { format!("{ROOT}/templates") } else { ROOT.to_owned() };
                let all: Value = Client::new(&server, Policy::PROMPT)?.json(&Call::get(path)).await?;
                output::show(&if json || templates { all } else { brief(&all) }, json)
            }
            Self::Create { template, file, webhook, email, json, server } => {
                let alert = alert(template, file, &webhook, &email)?;
                let call = Call::post(ROOT, Repeat::Untouched).json(&alert);
                let made: Value = Client::new(&server, Policy::PROMPT)?.json(&call).await?;
                if json {
                    return output::show(&made, true);
                }
                output::say(&format!("alert {} is made", text(&made, "id")))?;
                for secret in made["secrets"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    output::say(&format!("secret of its webhook, shown only now: {secret}"))?;
                }
                Ok(())
            }
            Self::Test { id, json, server } => {
                let call = Call::post(format!("{ROOT}/{}/test", path_segment(&id)), Repeat::Untouched);
                let said: Value = Client::new(&server, Policy::PROMPT)?.json(&call).await?;
                output::show(&said, json)
            }
            Self::Delete { id, server } => {
                let call = Call::delete(format!("{ROOT}/{}", path_segment(&id)), Repeat::Untouched);
                Client::new(&server, Policy::PROMPT)?.send(&call).await?;
                output::say(&format!("alert {id} is deleted"))
            }
        }
    }
}

/// The body of a new alert.
fn alert(
    template: Option<String>,
    file: Option<PathBuf>,
    webhooks: &[String],
    mails: &[String],
) -> Result<Value, CliError> {
    let mut alert = match file {
        Some(path) => read(&path)?,
        None => Map::new(),
    };
    if let Some(template) = template {
        alert.insert("template".into(), template.into());
    }
    let calls = webhooks.iter().map(|url| json!({"type": "webhook", "url": url}));
    let mut channels: Vec<Value> = calls.collect();
    if !mails.is_empty() {
        channels.push(json!({"type": "email", "to": mails}));
    }
    if !channels.is_empty() {
        alert.insert("channels".into(), channels.into());
    }
    Ok(Value::Object(alert))
}

fn read(path: &PathBuf) -> Result<Map<String, Value>, CliError> {
    let text = if path.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin().lock()).map_err(CliError::file("read", "-"))?
    } else {
        std::fs::read_to_string(path).map_err(CliError::file("read", path))?
    };
    serde_json::from_str(&text).map_err(|error| CliError::Usage(format!("{}: {error}", path.display())))
}

/// What a list needs to say; `--json` shows all.
fn brief(all: &Value) -> Value {
    let row = |alert: &Value| {
        let firing = alert["groups"].as_array().map_or(0, Vec::len);
        json!({"id": alert["id"], "name": alert["name"], "status": alert["status"], "groups": firing,
            "every": alert["every"], "asked at": alert["asked_at"], "owner": alert["owner_name"], "problem": alert["problem"]})
    };
    Value::Array(all.as_array().into_iter().flatten().map(row).collect())
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_a_template_a_file_and_channels() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("alert.json");
        std::fs::write(&path, r#"{"name": "Mine", "channels": []}"#).unwrap();
        let urls = ["https://a.example/x".to_owned()];
        let mails = ["a@b.example".to_owned(), "c@d.example".to_owned()];
        let made = alert(Some("task_failed".into()), Some(path.clone()), &urls, &mails).unwrap();
        let want = json!({"name": "Mine", "template": "task_failed", "channels": [
            {"type": "webhook", "url": "https://a.example/x"}, {"type": "email", "to": ["a@b.example", "c@d.example"]}]});
        assert_eq!(made, want);
        // Channels of the file stay where none are given.
        assert_eq!(alert(None, Some(path.clone()), &[], &[]).unwrap()["channels"], json!([]));
        std::fs::write(&path, "[]").unwrap();
        assert!(alert(None, Some(path), &[], &[]).is_err());
    }
}
