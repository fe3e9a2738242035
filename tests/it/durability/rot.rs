//! Single flipped bits in files of every kind: the engine gives the right answer, or refuses with the file's name;
//! `kronika verify --deep` names it too; other files still answer.
//!
//! `KRONIKA_ROT_FLIPS` sets how many bits are flipped (36 by default), `KRONIKA_ROT_SEED` the first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kronika::config::{Config, Settings};
use kronika::engine::{Engine, EngineError};
use kronika::error::Report;
use kronika::event::names::ProjectName;
use kronika::query::{Limits, Params, QueryError};
use reqwest::Method;
use serde_json::json;

use super::number;
use crate::common::{Home, TestServer, send};
use kronika::error::with_causes;

const CONFIG: &str = "[flush]\ninterval = \"1d\"\n[compaction]\ninterval = \"0s\"\n[wal]\nsegment_size = \"16KiB\"\nsize_max = \"8MiB\"\n[ingest]\nbody_max = \"128KiB\"\nline_max = \"64KiB\"\n";
const ALL: &str = "SELECT * FROM events ORDER BY _seq";
const PROJECTS: [&str; 2] = ["default", "shop"];

/// A directory with something of every kind, left behind by a kill.
async fn prepared() -> (Arc<Home>, Vec<String>) {
    let server = TestServer::start_in(&Home::new(CONFIG));
    server.create_project("shop").await;
    let batch = |from: u64, module: &str| -> String {
        let line = |n: u64| {
            format!(
                "{{\"event_id\":\"{n}\",\"module\":\"{module}\",\"actor_id\":\"a{}\",\"message\":\"event {n} of {module}\",\"n\":{n}}}\n",
                n % 9
            )
        };
        (from..from + 400).map(line).collect()
    };
    // Past a checkpoint, which comes every hundred commits, and commits behind it.
    for at in 0..104 {
        let body = if at < 4 { batch(at * 1_000, "orders") } else { format!("{{\"event_id\":\"f{at}\"}}\n") };
        server.append("default", "", body).await.json(200);
        send(server.request(Method::POST, "/api/v1/admin/flush").header("kronika-project", "default")).await.json(200);
        if at == 101 {
            send(server.request(Method::POST, "/api/v1/admin/compact").header("kronika-project", "default"))
                .await
                .json(200);
        }
    }
    server.append("shop", "", batch(0, "payments")).await.json(200);
    server.flush().await;
    let mut secrets = vec![server.key.clone()];
    for project in PROJECTS {
        let new = json!({"name": project, "scopes": ["ingest", "query"], "project": project});
        let key = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
        secrets.push(key["secret"].as_str().unwrap().to_owned());
    }
    for at in 0..40 {
        let request = server.request(Method::POST, "/api/v1/events").header("idempotency-key", format!("key {at}"));
        send(request.header("kronika-project", "shop").body(format!("{{\"event_id\":\"hot {at}\"}}\n")))
            .await
            .json(200);
    }
    // A last write that is nobody's: of the very last one the log cannot know whether it was acknowledged.
    let home = server.kill();
    std::fs::write(home.path("kronika.toml"), CONFIG).unwrap();
    (home, secrets)
}

/// Files by kind, as far as a flipped bit in them could change an answer.
fn kinds(data: &Path) -> BTreeMap<&'static str, Vec<PathBuf>> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut all = Vec::new();
    walk(data, &mut all);
    all.sort();
    let mut kinds: BTreeMap<&'static str, Vec<PathBuf>> = BTreeMap::new();
    for path in all {
        let relative = path.strip_prefix(data).unwrap().to_path_buf();
        let text = relative.to_string_lossy().into_owned();
        let kind = match text.as_str() {
            text if text.contains("_audit") || text.starts_with("spill") || text.starts_with("LOCK") => continue,
            text if text.contains("_delta_log") && text.ends_with(".parquet") => "checkpoint",
            text if text.contains("_delta_log") && text.ends_with(".json") => "commit",
            text if text.ends_with(".parquet") => "data",
            text if text.starts_with("wal") && text.ends_with(".log") => "log",
            text if text.starts_with("dedup") => "ids",
            text if text.starts_with("receipts") => "answers",
            text if text.starts_with("interpretations") => "interpretation",
            "keys.json" => "keys",
            "kronika.json" => "identity",
            text if text.ends_with(".json") => "state",
            _ => continue,
        };
        kinds.entry(kind).or_default().push(relative);
    }
    kinds
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn config(home: &Home, data: &Path) -> Config {
    let mut settings = Settings::read(Some(&home.path("kronika.toml"))).unwrap();
    settings.flag("--data-dir", "server.data_dir", data.to_str().unwrap().to_owned()).unwrap();
    settings.resolve().unwrap()
}

/// What an engine says to all questions of the test.
#[derive(Debug, PartialEq)]
struct Said {
    /// Rows by project, or why there are none.
    rows: Vec<Result<Vec<String>, String>>,
    /// Rows of an answer that may go without damaged files.
    partly: Vec<usize>,
    /// What each key may do.
    keys: Vec<String>,
}

async fn ask(config: Config, secrets: &[String]) -> Result<Said, EngineError> {
    let engine = Engine::open_idle(config).await?;
    let limits = Limits::of(&engine.config().query);
    let mut said = Said { rows: Vec::new(), partly: Vec::new(), keys: Vec::new() };
    for project in PROJECTS {
        let session = engine.session(&ProjectName::try_from(project).unwrap());
        let rows = match session {
            Ok(session) => {
                let whole = async {
                    let (batches, outcome) = session.run(ALL, Params::None, limits).await?.collect().await?;
                    assert!(!outcome.truncated);
                    Ok::<_, QueryError>(batches)
                };
                let whole = whole.await;
                let partly = match session.run_partial(ALL, Params::None, limits).await {
                    Ok((answer, _)) => answer
                        .collect()
                        .await
                        .map_or(0, |(batches, _)| batches.iter().map(|batch| batch.num_rows()).sum()),
                    Err(_) => 0,
                };
                said.partly.push(partly);
                whole.map(|batches| batches.iter().flat_map(lines).collect()).map_err(|error| with_causes(&error))
            }
            Err(error) => Err(error.to_string()),
        };
        said.rows.push(rows);
    }
    for secret in secrets {
        let caller = engine.keys().authenticate(secret, None, i64::from(u32::MAX) / 3);
        said.keys.push(caller.map_or_else(|_| "refused".to_owned(), |caller| format!("{caller:?}")));
    }
    engine.halt().await;
    Ok(said)
}

fn lines(batch: &arrow::record_batch::RecordBatch) -> Vec<String> {
    use arrow::util::display::{ArrayFormatter, FormatOptions};
    let options = FormatOptions::default();
    let columns: Vec<_> =
        batch.columns().iter().map(|array| ArrayFormatter::try_new(array, &options).unwrap()).collect();
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|"))
        .collect()
}

/// Where the last group of the log begins: segment file and byte.
fn last_write(data: &Path) -> (String, u64) {
    let mut last = (0, 0);
    kronika::wal::inspect_frames(&data.join("wal"), |frame| last = (frame.segment, frame.offset)).unwrap();
    (format!("wal-{:012}.log", last.0), last.1)
}

/// A number that looks random, the same for the same seed.
fn scattered(seed: u64) -> u64 {
    let mut value = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_never_a_wrong_answer() {
    let (home, secrets) = prepared().await;
    let (source, scratch) = (home.data_dir(), tempfile::tempdir().unwrap());
    let fresh = scratch.path().join("sound");
    copy(&source, &fresh);
    let sound = ask(config(&home, &fresh), &secrets).await.unwrap();
    let counts: Vec<usize> = sound.rows.iter().map(|rows| rows.as_ref().unwrap().len()).collect();
    assert_eq!((counts, sound.partly.clone()), (vec![1_700, 440], vec![1_700, 440]));
    assert!(sound.keys.iter().all(|key| key != "refused"));
    let mut kinds = kinds(&source);
    // Files that a compaction has replaced are read by nobody.
    let mut live = Vec::new();
    let storage = kronika::table::Storage::open(source.join("store").to_str().unwrap(), &BTreeMap::new()).unwrap();
    for project in PROJECTS {
        let parts = storage.table_parts(&ProjectName::try_from(project).unwrap()).await.unwrap().unwrap();
        live.extend(parts.files.iter().map(|file| file.path.clone()));
    }
    kinds.get_mut("data").unwrap().retain(|file| live.iter().any(|path| file.ends_with(path)));
    let wanted =
        ["answers", "checkpoint", "commit", "data", "identity", "ids", "interpretation", "keys", "log", "state"];
    assert_eq!(kinds.keys().copied().collect::<Vec<_>>(), wanted);
    let last = last_write(&source);

    let (flips, first) = (number("KRONIKA_ROT_FLIPS", 36) as u64, number("KRONIKA_ROT_SEED", 1) as u64);
    let mut told: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for seed in first..first + flips {
        let (kind, files) = kinds.iter().nth((seed % kinds.len() as u64) as usize).unwrap();
        let file = &files[(scattered(seed) % files.len() as u64) as usize];
        let dir = scratch.path().join("flipped");
        copy(&source, &dir);
        let mut bytes = std::fs::read(dir.join(file)).unwrap();
        let bit = scattered(seed ^ 0xf11b) % (bytes.len() as u64 * 8);
        bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
        std::fs::write(dir.join(file), bytes).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let what = format!("seed {seed}: bit {bit} of {} ({kind})", file.display());

        let settings = config(&home, &dir);
        let verified = kronika::engine::verify(&settings, true).await;
        let verified = verified.unwrap_or_else(|error| panic!("{what}: {}", with_causes(&error)));
        let outcome = ask(settings, &secrets).await;
        let named = verified.damage.iter().any(|found| format!("{} {}", found.place, found.what).contains(&name));
        // Whether the last record was damaged, or never finished, cannot be told apart.
        let noted = verified.notes.iter().any(|found| found.place.contains(&name) && found.what.contains("not whole"));
        let of_last_write = *kind == "log" && name == last.0 && bit / 8 >= last.1;
        let slot = match outcome {
            Err(error) => {
                let said = with_causes(&error);
                let inside = said.contains(&name) || said.contains("log ends before");
                assert!(inside, "{what}: refused without its name: {said} ({})", error.code());
                assert!(named, "{what}: not in {:?}", verified.damage);
                0
            }
            Ok(said) if said.rows == sound.rows && said.keys == sound.keys => {
                // Ids and answers are looked at by the next sender only; that they are damaged is known.
                let unread = !["ids", "answers", "data"].contains(kind) || named || noted;
                assert!(unread, "{what}: nobody noticed");
                usize::from(!named) + 1
            }
            Ok(said) if of_last_write => {
                assert!(said.rows[1].as_ref().unwrap().len() + 1 >= 440, "{what}: more than the last write is lost");
                3
            }
            Ok(said) => {
                assert_eq!(said.keys, sound.keys, "{what}: keys changed");
                for (at, rows) in said.rows.iter().enumerate() {
                    match rows {
                        Ok(rows) => assert!(Ok(rows) == sound.rows[at].as_ref(), "{what}: WRONG ANSWER"),
                        Err(error) => {
                            assert!(error.contains(&name), "{what}: refused without its name: {error}");
                            let whole = sound.rows[at].as_ref().unwrap().len();
                            assert!(said.partly[at] < whole, "{what}: nothing was skipped");
                        }
                    }
                }
                assert!(named, "{what}: not in {:?}", verified.damage);
                0
            }
        };
        told.entry(kind).or_default()[slot] += 1;
        std::fs::remove_dir_all(&dir).unwrap();
    }
    println!(
        "{flips} flipped bits, 0 wrong answers; refused by name, known and harmless, in nothing that is read, in the last write:"
    );
    told.iter().for_each(|(kind, counts)| println!("  {kind}: {counts:?}"));
}
