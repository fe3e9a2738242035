use std::io::Write;

use axum::http::HeaderValue;
use axum::response::IntoResponse;

use super::*;

const LIMIT: ByteCount = ByteCount(1_000);

fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
}

fn packed(coding: &str, text: &[u8]) -> Vec<u8> {
    let fast = flate2::Compression::fast();
    match coding {
        "gzip" => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), fast);
            out.write_all(text).unwrap();
            out.finish().unwrap()
        }
        "deflate" => {
            let mut out = flate2::write::ZlibEncoder::new(Vec::new(), fast);
            out.write_all(text).unwrap();
            out.finish().unwrap()
        }
        _ => zstd::encode_all(text, 1).unwrap(),
    }
}

fn status(error: ApiError) -> u16 {
    error.into_response().status().as_u16()
}

#[tokio::test]
async fn every_coding_is_read_up_to_the_limit_and_no_further() {
    for coding in ["gzip", "deflate", "zstd"] {
        let sent = headers(&[(header::CONTENT_ENCODING, coding)]);
        let most = vec![b'a'; 1_000];
        let got = read(&sent, Body::from(packed(coding, &most)), LIMIT).await.unwrap();
        assert_eq!(got, most, "{coding}");
        let over = packed(coding, &vec![b'a'; 1_001]);
        assert_eq!(status(read(&sent, Body::from(over), LIMIT).await.unwrap_err()), 413, "{coding}");
        let cut = packed(coding, b"abcdefghijklmnopqrstuvwxyz0123456789");
        let cut = Body::from(cut[..cut.len() / 2].to_vec());
        assert_eq!(status(read(&sent, cut, LIMIT).await.unwrap_err()), 400, "{coding}");
    }
    let plain = HeaderMap::new();
    assert_eq!(read(&plain, Body::from(vec![0; 1_000]), LIMIT).await.unwrap().len(), 1_000);
    assert_eq!(status(read(&plain, Body::from(vec![0; 1_001]), LIMIT).await.unwrap_err()), 413);
}

#[tokio::test]
async fn two_gzip_members_are_one_body_and_unknown_codings_are_refused() {
    let two = [packed("gzip", b"ab"), packed("gzip", b"cd")].concat();
    let got = read(&headers(&[(header::CONTENT_ENCODING, "gzip")]), Body::from(two), LIMIT).await.unwrap();
    assert_eq!(got, b"abcd");
    for unknown in ["br", "gzip, gzip"] {
        let error = read(&headers(&[(header::CONTENT_ENCODING, unknown)]), Body::empty(), LIMIT).await.unwrap_err();
        assert_eq!(status(error), 415, "{unknown}");
    }
}

#[test]
fn the_format_comes_from_the_content_type_or_the_first_byte() {
    let named = |value: &'static str| headers(&[(header::CONTENT_TYPE, value)]);
    assert_eq!(format(&named("application/json; charset=utf-8"), b"{}").unwrap(), BodyFormat::Json);
    assert_eq!(format(&named("application/x-ndjson"), b"[]").unwrap(), BodyFormat::Ndjson);
    assert_eq!(format(&HeaderMap::new(), b"  [{}]").unwrap(), BodyFormat::Json);
    assert_eq!(format(&named("application/x-www-form-urlencoded"), b"{}\n{}").unwrap(), BodyFormat::Ndjson);
    assert_eq!(status(format(&named("text/html"), b"").unwrap_err()), 415);
}

/// Bodies by chance in every coding and of every type: decoded within the limit, or refused as the caller's fault.
#[test]
fn codings_by_chance_are_read_or_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let text = b"{\"event_id\":\"1\",\"module\":\"orders\"}\n{\"a\":[1,2,3]}\n".repeat(4);
    let codings = ["gzip", "deflate", "zstd", "identity", "br", "GZIP", "gzip, gzip", ""];
    let types = ["application/json", "application/x-ndjson", "text/plain; charset=utf-8", "text/html", "", "a/b;c"];
    let seeds = (0..codings.len()).flat_map(|at| {
        let packed = match at {
            0..3 => packed(codings[at], &text),
            _ => text.clone(),
        };
        (0..types.len()).map(move |kind| [&[at as u8, kind as u8], &packed[..]].concat())
    });
    let words =
        ["\x1f\u{8b}\x08", "\x28\u{b5}\x2f\u{fd}", "\x78\x01", "\0\0\0\0", "\u{ff}\u{ff}", "{}", "[", "\n", "a"];
    crate::fuzz::Target { name: "coding", seeds: seeds.collect(), words: &words }.run(|input| {
        let [coding, kind, sent @ ..] = input else { return };
        let mut headers = HeaderMap::new();
        headers
            .insert(header::CONTENT_ENCODING, HeaderValue::from_static(codings[usize::from(*coding) % codings.len()]));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(types[usize::from(*kind) % types.len()]));
        match runtime.block_on(read(&headers, Body::from(sent.to_vec()), LIMIT)) {
            Ok(body) => {
                assert!(body.len() as u64 <= LIMIT.0);
                if let Err(error) = format(&headers, &body) {
                    assert_eq!(status(error), 415);
                }
            }
            Err(error) => assert!([400, 413, 415].contains(&status(error))),
        }
    });
}
