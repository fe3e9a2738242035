//! `kronika doctor`: would a server with these settings run well here?

use serde_json::{Value, json};

use super::CliError;
use super::output::{self, Column, Table, say};
use super::settings::{SettingsArgs, tls};
use crate::engine::{Finding, Verdict, examine};

/// Try out what a server counts on: the data directory's disk, the place of the tables, the clock, the certificate.
///
/// Changes nothing and may run beside a server. Exit code 1 when something failed, 78 when the settings cannot be used.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

impl Args {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let config = self.settings.resolve()?;
        tls(&config.server)?;
        let findings = examine(&config).await;
        if self.json {
            let one = |finding: &Finding| json!({"what": finding.what, "verdict": word(finding.verdict), "found": finding.found, "advice": finding.advice});
            say(&format!("{:#}", findings.iter().map(one).collect::<Value>()))?;
        } else {
            say(table(&findings).render(output::terminal_width()).trim_end_matches('\n'))?;
        }
        match findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count() {
            0 => Ok(()),
            count => Err(CliError::Unwell { count }),
        }
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Warn => "warn",
        Verdict::Fail => "fail",
    }
}

fn table(findings: &[Finding]) -> Table {
    let column = |name: &str| Column { name: name.into(), right: false };
    let row = |finding: &Finding| {
        let cells = [word(finding.verdict), &finding.what, &finding.found, &finding.advice];
        cells.into_iter().map(|cell| Some(cell.to_owned())).collect()
    };
    let columns = ["", "what", "found", "what to do"].into_iter().map(column).collect();
    Table { columns, rows: findings.iter().map(row).collect() }
}
