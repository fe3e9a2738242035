//! Writes end when the other side does not read, and only then.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const LIMIT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_client_that_does_not_read_is_given_up() {
    let (ours, theirs) = tokio::io::duplex(16);
    let mut ours = Stalled::new(ours, LIMIT);
    let began = Instant::now();
    let error = ours.write_all(&[7; 64]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(began.elapsed() >= LIMIT);
    drop(theirs);
}

#[tokio::test]
async fn a_slow_client_gets_everything() {
    let (ours, mut theirs) = tokio::io::duplex(16);
    let mut ours = Stalled::new(ours, LIMIT);
    let read = async {
        let (mut got, mut buffer) = (0, [0; 8]);
        while got < 64 {
            tokio::time::sleep(LIMIT / 4).await;
            got += theirs.read(&mut buffer).await.unwrap();
        }
    };
    let (sent, ()) = tokio::join!(ours.write_all(&[7; 64]), read);
    sent.unwrap();
}
