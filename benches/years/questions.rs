//! The suite's 21 questions.

use std::path::Path;
use std::time::Instant;

use kronika::generate::Generator;
use serde_json::Value;

use crate::load::{self, Server};

/// Name and SQL of each, with the constants of a journal; `None`, and says so, where the suite is not there.
pub(crate) fn suite(generator: &Generator) -> Option<Vec<(String, String)>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/bench/queries/kronika.sql");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("SKIPPED: the suite's SQL is not there");
        return None;
    };
    let params = generator.params().expect("a journal that is large enough for the suite");
    let filled =
        |sql: String| params.pairs().iter().fold(sql, |sql, (name, value)| sql.replace(&format!("{{{name}}}"), value));
    let parts = text.split("-- name: ").skip(1);
    let questions = parts.map(|part| {
        let (name, sql) = part.split_once('\n').expect("a name's line ends");
        let lines: Vec<&str> = sql.lines().filter(|line| !line.starts_with("--")).collect();
        (name.trim().to_owned(), filled(lines.join(" ")))
    });
    Some(questions.collect())
}

/// What one question took.
pub(crate) struct Took {
    pub(crate) answer: Value,
    pub(crate) seconds: f64,
    pub(crate) cpu: f64,
}

impl Took {
    /// One of its `stats`.
    pub(crate) fn stat(&self, name: &str) -> u64 {
        self.answer["stats"][name].as_u64().expect("a figure of the answer")
    }
}

/// Asks one.
pub(crate) async fn ask(http: &reqwest::Client, server: &Server, sql: &str) -> Took {
    let (cpu, asked) = (server.cpu_seconds(), Instant::now());
    let answer = load::query(http, server, sql).await;
    Took { answer, seconds: asked.elapsed().as_secs_f64(), cpu: server.cpu_seconds() - cpu }
}
