use futures::stream;
use http_body_util::BodyExt;

use super::*;

/// A body of pieces, each of which comes after its pause, read with a patience of a second and 1 KiB a second.
async fn read(pieces: Vec<(Duration, usize)>) -> Result<usize, Slow> {
    let pieces = stream::unfold(pieces.into_iter(), |mut rest| async {
        let (pause, bytes) = rest.next()?;
        tokio::time::sleep(pause).await;
        Some((Ok::<_, std::io::Error>(vec![b'x'; bytes]), rest))
    });
    let settings = config::Server {
        body_idle_timeout: Span::secs(1),
        body_rate_min: ByteCount(1_024),
        ..config::Server::default()
    };
    let request = patient(Request::new(Body::from_stream(pieces)), &settings);
    match request.into_body().collect().await {
        Ok(body) => Ok(body.to_bytes().len()),
        Err(error) => Err(Slow::among(&error).expect("fails for want of speed only")),
    }
}

#[tokio::test]
async fn a_body_may_pause_as_long_as_the_limit_and_no_longer() {
    let pause = |ms| vec![(Duration::ZERO, 5), (Duration::from_millis(ms), 5)];
    assert_eq!(read(pause(600)).await, Ok(10));
    assert_eq!(read(pause(1_300)).await, Err(Slow::Idle(Span::secs(1))));
}

#[test]
fn a_rate_counts_after_the_grace_only() {
    let body = |waited, bytes| Patient {
        body: Body::empty(),
        idle: Span::secs(1),
        rate: ByteCount(1_024),
        waiting: Box::pin(tokio::time::sleep(Duration::ZERO)),
        since: None,
        waited: Duration::from_secs(waited),
        bytes,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _inside = runtime.enter();
    assert!(!body(10, 0).is_too_slow());
    assert!(body(11, 11 * 1_024 - 1).is_too_slow());
    assert!(!body(11, 11 * 1_024).is_too_slow());
}
