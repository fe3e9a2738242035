use std::time::Duration;

use futures::stream;

use super::*;
use crate::cli::client::{Policy, Repeat, ServerArgs};
use crate::cli::testing::FakeServer;

const ANSWER: &str = r#"{"schema":[{"name":"module","type":"text"},{"name":"n","type":"int64"}],
    "rows":[["orders","7"],[null,"9223372036854775807"]],"truncated":true,"stats":{}}"#;

fn to(path: &Path) -> Target {
    Target { output: Some(path.to_owned()) }
}

fn client(server: &FakeServer) -> Client {
    let args = ServerArgs { server: server.url().parse().unwrap(), key: None, key_file: None, project: None };
    Client::new(&args, Policy::PROMPT).unwrap()
}

#[tokio::test]
async fn a_table_is_made_of_the_json_form() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.txt");
    let server = FakeServer::script(vec![(200, &[], ANSWER)]).await;
    let call = Call::post("/api/v1/query", Repeat::Always);
    fetch(&client(&server), &call, Format::Table, &to(&path)).await.unwrap();
    insta::assert_snapshot!(std::fs::read_to_string(&path).unwrap(), @r"
    ┌────────┬─────────────────────┐
    │ module ┆                   n │
    ╞════════╪═════════════════════╡
    │ orders ┆                   7 │
    │ ∅      ┆ 9223372036854775807 │
    └────────┴─────────────────────┘
    ");
    assert_eq!(server.asked()[0].headers["te"], "trailers");
}

#[test]
fn the_footer_counts_and_explains() {
    let answer: Answer = serde_json::from_str(ANSWER).unwrap();
    assert!(answer.truncated);
    assert_eq!(answer.footer(Duration::from_millis(12)), "2 rows in 0.012 s; ∅ is NULL");
}

#[test]
fn number_types_are_known_by_name() {
    for (name, number) in [
        ("int64", true),
        ("int32", true),
        ("uint64", true),
        ("float32", true),
        ("float64", true),
        ("decimal(38,2)", true),
        ("text", false),
        ("timestamp", false),
        ("bool", false),
        ("interval", false),
        ("list<int64>", false),
    ] {
        assert_eq!(is_number(name), number, "{name}");
    }
}

#[tokio::test]
async fn other_forms_pass_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.csv");
    let server = FakeServer::script(vec![(200, &[], "a,b\r\n1,\"x\ny\"\r\n")]).await;
    fetch(&client(&server), &Call::get("/x"), Format::Csv, &to(&path)).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"a,b\r\n1,\"x\ny\"\r\n");
}

/// The file keeps its old content when the answer breaks off.
#[tokio::test]
async fn a_broken_answer_never_looks_complete() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.ndjson");
    std::fs::write(&path, "old").unwrap();
    for format in [Format::Ndjson, Format::Table] {
        let pieces = vec![Ok(Piece::Bytes("{\"a\":1}\n".into())), Err(CliError::Incomplete("reset".into()))];
        let result = write(stream::iter(pieces), format, &to(&path), Instant::now()).await;
        assert!(matches!(result, Err(CliError::Incomplete(_))), "{result:?}");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file stays");
    }
}

#[tokio::test]
async fn a_connection_reset_is_an_incomplete_answer() {
    let server = FakeServer::start(|_| {
        let pieces: Vec<Result<&str, std::io::Error>> = vec![Ok("{\"a\":1}\n"), Err(std::io::ErrorKind::Other.into())];
        // The head of the answer must be out before the connection breaks.
        let slowly = stream::iter(pieces).then(|piece| async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            piece
        });
        axum::response::Response::new(axum::body::Body::from_stream(slowly))
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let result = fetch(&client(&server), &Call::get("/x"), Format::Ndjson, &to(&dir.path().join("o"))).await;
    assert!(matches!(result, Err(CliError::Incomplete(_))), "{result:?}");
}

#[tokio::test]
async fn trailers_say_that_an_answer_was_cut() {
    use http_body::Frame;
    let server = FakeServer::start(|_| {
        let mut trailers = axum::http::HeaderMap::new();
        trailers.insert(TRUNCATED, "true".parse().unwrap());
        let frames: Vec<Result<_, std::io::Error>> =
            vec![Ok(Frame::data(Bytes::from("a\n1\n"))), Ok(Frame::trailers(trailers))];
        let body = axum::body::Body::new(http_body_util::StreamBody::new(stream::iter(frames)));
        let mut response = axum::response::Response::new(body);
        response.headers_mut().insert("trailer", TRUNCATED.parse().unwrap());
        response
    })
    .await;
    let response = client(&server).send(&Call::get("/x").header("te", "trailers")).await.unwrap();
    let pieces: Vec<_> = reqwest::Body::from(response).into_data_and_trailers().try_collect().await.unwrap();
    assert!(matches!(&pieces[..], [Piece::Bytes(_), Piece::Truncated]), "{pieces:?}");
}

#[test]
fn an_answer_without_what_could_not_be_read_is_known_by_its_header() {
    let header = |pairs: &[(&'static str, &str)]| {
        let pairs = pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()));
        says(&pairs.collect::<HeaderMap>(), PARTIAL)
    };
    assert!(header(&[("kronika-partial", "true")]));
    assert!(!header(&[]) && !header(&[("kronika-truncated", "true")]));
}
