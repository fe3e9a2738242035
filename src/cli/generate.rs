//! `kronika generate`: a synthetic journal, the same for the same seed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{Duration, NaiveDate};

use super::{CliError, output};
use crate::generate::{Generator, Options};

/// Make a synthetic journal as NDJSON, a file a day; import it with `--mapping kronika-bench`.
///
/// The directory gets `ndjson/events-YYYY-MM-DD.ndjson` and `params.json`, the constants of the benchmark's queries.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Events in all days together.
    #[arg(long, value_name = "N", default_value_t = Options::default().events)]
    events: u64,
    /// Number of days.
    #[arg(long, value_name = "N", default_value_t = Options::default().days)]
    days: u32,
    /// Journals of different seeds share their shape and nothing else.
    #[arg(long, value_name = "N", default_value_t = Options::default().seed)]
    seed: u64,
    /// First day (UTC).
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-10-01")]
    start: NaiveDate,
    /// Directory for the files; `-` writes all days to standard output.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Args {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        tokio::task::spawn_blocking(move || self.make()).await?
    }

    fn make(&self) -> Result<(), CliError> {
        let start_date = i32::try_from((self.start - NaiveDate::default()).num_days()).unwrap_or(i32::MAX);
        let options = Options { seed: self.seed, events: self.events, start_date, days: self.days, end_ms: None };
        let generator = Generator::new(options).map_err(CliError::engine)?;
        if self.out == Path::new("-") {
            return to_stdout(&generator).map_err(CliError::Stdout);
        }
        let dir = self.out.join("ndjson");
        std::fs::create_dir_all(&dir).map_err(CliError::file("make the directory", &dir))?;
        let (mut events, mut bytes) = (0, 0);
        for index in 0..generator.days() {
            let date = NaiveDate::default() + Duration::days(i64::from(generator.date(index)));
            let path = dir.join(format!("events-{date}.ndjson"));
            let mut day = generator.day(index);
            let mut write = || -> io::Result<u64> {
                let mut file = BufWriter::new(File::create(&path)?);
                let bytes = day.write_to(&mut file)?;
                file.flush()?;
                Ok(bytes)
            };
            bytes += write().map_err(CliError::file("write", &path))?;
            events += day.events();
        }
        self.params(&generator)?;
        output::say(&format!("{events} events, {bytes} bytes in {} files below {}", generator.days(), dir.display()))
    }

    fn params(&self, generator: &Generator) -> Result<(), CliError> {
        let Some(params) = generator.params() else { return Ok(()) };
        let members = params.pairs().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let path = self.out.join("params.json");
        std::fs::write(&path, format!("{:#}\n", serde_json::Value::Object(members)))
            .map_err(CliError::file("write", &path))
    }
}

fn to_stdout(generator: &Generator) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for index in 0..generator.days() {
        generator.day(index).write_to(&mut out)?;
    }
    out.flush()
}
