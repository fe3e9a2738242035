//! A file as an answer: whole or a part of it (RFC 9110, 14), never shown by a browser.
//!
//! One range at a time; of several, and of what is no range of bytes, nothing is made: the whole file is the answer.

use std::ops::Range;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::error::Kind;
use crate::http::problem::ApiError;
use crate::journal::files::Disposition;

/// Digest of the whole file (RFC 9530).
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// Whether the sender of a text had cut it.
const TRUNCATED: HeaderName = HeaderName::from_static("kronika-truncated");
/// Even where a browser is made to show a file, it runs nothing of it.
const SANDBOX: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// Bytes as they come.
pub(super) type Chunks = BoxStream<'static, Result<Bytes, BoxedError>>;
/// Why they stop to come.
pub(super) type BoxedError = Box<dyn std::error::Error + Send + Sync>;

/// A file that was asked for.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// Bytes of the whole.
    pub(super) size: u64,
    /// SHA-256 of the whole.
    pub(super) sha256: [u8; 32],
    /// Its type.
    pub(super) content_type: String,
    /// Its name, as somebody sent it.
    pub(super) name: String,
    /// Whether it is known to be a part of what it was.
    pub(super) cut: bool,
}

/// What of a file is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    Whole,
    Part(Range<u64>),
    /// The caller has it already.
    Nothing,
    /// No byte of it is within the range.
    Beyond,
}

impl File {
    fn etag(&self) -> String {
        format!("\"{}\"", crate::access::hex(&self.sha256))
    }

    /// What a request with these headers wants.
    pub(super) fn wanted(&self, headers: &HeaderMap) -> Wanted {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let etag = self.etag();
        let names_it =
            |list: &str| list.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag);
        if text(header::IF_NONE_MATCH).is_some_and(names_it) {
            return Wanted::Nothing;
        }
        // A part of another file than the caller has the beginning of is of no use.
        let same = headers.get(header::IF_RANGE).is_none_or(|tag| tag.as_bytes() == etag.as_bytes());
        match text(header::RANGE).filter(|_| same) {
            Some(range) => part(range, self.size),
            None => Wanted::Whole,
        }
    }

    /// The answer; `read` gives the bytes of a range, which is not asked for more than there are.
    pub(super) async fn answer<R>(
        self,
        headers: &HeaderMap,
        ended: CancellationToken,
        read: impl FnOnce(Range<u64>) -> R,
    ) -> Result<Response, ApiError>
    where
        R: Future<Output = Result<Chunks, ApiError>>,
    {
        let wanted = self.wanted(headers);
        let (status, range) = match wanted {
            Wanted::Nothing => return Ok(self.described((StatusCode::NOT_MODIFIED, Body::empty()).into_response())),
            Wanted::Beyond => return Ok(self.beyond()),
            Wanted::Whole => (StatusCode::OK, 0..self.size),
            Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        };
        let chunks = read(range.clone()).await?;
        let mut response = (status, Body::from_stream(until(ended, chunks))).into_response();
        let fields = response.headers_mut();
        fields.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
        set(fields, header::CONTENT_TYPE, &self.content_type);
        set(fields, header::CONTENT_DISPOSITION, &Disposition(&self.name).to_string());
        if status == StatusCode::PARTIAL_CONTENT {
            set(fields, header::CONTENT_RANGE, &format!("bytes {}-{}/{}", range.start, range.end - 1, self.size));
        }
        if self.cut {
            fields.insert(TRUNCATED, HeaderValue::from_static("true"));
        }
        Ok(self.described(response))
    }

    /// With what holds for every answer about the file.
    fn described(&self, mut response: Response) -> Response {
        let fields = response.headers_mut();
        set(fields, header::ETAG, &self.etag());
        set(fields, REPR_DIGEST, &format!("sha-256=:{}:", base64(&self.sha256)));
        fields.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        fields.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
        fields.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }

    fn beyond(&self) -> Response {
        let detail = format!("no byte of the range is within the {} bytes of the file", self.size);
        let error = ApiError::new(Kind::Invalid, "range_not_satisfiable", detail);
        let mut response = error.hint("ask for a range that begins before the end").into_response();
        set(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{}", self.size));
        response
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // What is no header value was made safe before; a field that is left out does no harm.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The one range of `Range: bytes=…` within `size` bytes.
fn part(sent: &str, size: u64) -> Wanted {
    let Some(range) = sent.trim().strip_prefix("bytes=") else { return Wanted::Whole };
    let Some((first, last)) = range.split_once('-') else { return Wanted::Whole };
    fn number(text: &str) -> Option<&str> {
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
    }
    let value = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
    match (number(first.trim()), number(last.trim())) {
        (None, Some(last)) if first.trim().is_empty() => match value(last) {
            0 => Wanted::Beyond,
            _ if size == 0 => Wanted::Beyond,
            last => Wanted::Part(size.saturating_sub(last)..size),
        },
        (Some(first), last_sent) if last_sent.is_some() || last.trim().is_empty() => {
            let first = value(first);
            let last = last_sent.map_or(u64::MAX, value);
            match () {
                () if last < first => Wanted::Whole,
                () if first >= size => Wanted::Beyond,
                () => Wanted::Part(first..size.min(last.saturating_add(1))),
            }
        }
        _ => Wanted::Whole,
    }
}

/// Chunks until `ended`: then the body breaks off, so that it never looks complete.
fn until(ended: CancellationToken, chunks: Chunks) -> Chunks {
    let state = Some((chunks, Box::pin(ended.cancelled_owned())));
    futures::stream::unfold(state, |state| async move {
        let (mut chunks, mut ended) = state?;
        futures::select_biased! {
            () = (&mut ended).fuse() => Some((Err("the key has ended".into()), None)),
            chunk = chunks.next().fuse() => match chunk? {
                Ok(chunk) => Some((Ok(chunk), Some((chunks, ended)))),
                Err(error) => Some((Err(error), None)),
            },
        }
    })
    .boxed()
}

/// A digest in base64 (RFC 4648, 4).
fn base64(digest: &[u8; 32]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(44);
    for group in digest.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = (bits >> (18 - 6 * at)) as usize & 63;
            text.push(if at <= group.len() { char::from(ALPHABET[digit]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_has_them() {
        let cases: &[(&str, u64, Wanted)] = &[
            ("bytes=0-9", 100, Wanted::Part(0..10)),
            ("bytes=90-", 100, Wanted::Part(90..100)),
            ("bytes=90-1000", 100, Wanted::Part(90..100)),
            ("bytes=-10", 100, Wanted::Part(90..100)),
            ("bytes=-1000", 100, Wanted::Part(0..100)),
            ("bytes=99-99", 100, Wanted::Part(99..100)),
            ("bytes=100-", 100, Wanted::Beyond),
            ("bytes=-0", 100, Wanted::Beyond),
            ("bytes=0-", 0, Wanted::Beyond),
            ("bytes=-5", 0, Wanted::Beyond),
            ("bytes=99999999999999999999-", 100, Wanted::Beyond),
            ("bytes=0-99999999999999999999", 100, Wanted::Part(0..100)),
            ("bytes=5-2", 100, Wanted::Whole),
            ("bytes=0-1,4-5", 100, Wanted::Whole),
            ("bytes=a-b", 100, Wanted::Whole),
            ("bytes=+1-2", 100, Wanted::Whole),
            ("bytes=-", 100, Wanted::Whole),
            ("items=0-1", 100, Wanted::Whole),
        ];
        for (sent, size, want) in cases {
            assert_eq!(part(sent, *size), *want, "{sent} of {size}");
        }
    }

    #[test]
    fn what_the_caller_has_decides() {
        let file = File { size: 10, sha256: [7; 32], content_type: String::new(), name: String::new(), cut: false };
        let with = |fields: &[(HeaderName, &str)]| {
            let pairs = fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
            file.wanted(&pairs.collect())
        };
        let etag = file.etag();
        assert_eq!(with(&[(header::IF_NONE_MATCH, &format!("\"x\", W/{etag}"))]), Wanted::Nothing);
        assert_eq!(with(&[(header::IF_NONE_MATCH, "\"x\"")]), Wanted::Whole);
        let range = (header::RANGE, "bytes=1-2");
        assert_eq!(with(&[range.clone(), (header::IF_RANGE, &etag)]), Wanted::Part(1..3));
        assert_eq!(with(&[range, (header::IF_RANGE, "\"other\"")]), Wanted::Whole);
    }

    #[test]
    fn a_digest_is_written_as_others_read_it() {
        use sha2::Digest;
        assert_eq!(base64(&sha2::Sha256::digest(b"").into()), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
