use std::io::{Error as IoError, ErrorKind};

use super::*;

#[derive(Debug, Error)]
#[error("engine says {0:?}")]
struct Fake(Kind);

impl Report for Fake {
    fn kind(&self) -> Kind {
        self.0
    }

    fn code(&self) -> &'static str {
        "fake"
    }

    fn hint(&self) -> Option<String> {
        Some("do this".into())
    }
}

fn refused(status: u16) -> CliError {
    CliError::Refused(Box::new(Problem { status, ..Problem::default() }))
}

#[test]
fn every_kind_has_an_exit_code() {
    let table = [
        (Kind::Invalid, 1),
        (Kind::Unauthenticated, 1),
        (Kind::Forbidden, 1),
        (Kind::NotFound, 1),
        (Kind::Conflict, 1),
        (Kind::TooLarge, 1),
        (Kind::UnsupportedMedia, 1),
        (Kind::NotAcceptable, 1),
        (Kind::Overloaded, 69),
        (Kind::Unavailable, 69),
        (Kind::OutcomeUnknown, 1),
        (Kind::DeadlineExceeded, 1),
        (Kind::Canceled, 130),
        (Kind::Internal, 1),
    ];
    for (kind, code) in table {
        assert_eq!(CliError::engine(Fake(kind)).exit_code(), code, "{kind:?}");
    }
}

#[test]
fn every_failure_has_an_exit_code() {
    let io = |kind| IoError::from(kind);
    let cases = [
        (ConfigError::Contradiction("a and b".into()).into(), 78),
        (CliError::Usage("no".into()), 2),
        (refused(400), 1),
        (refused(401), 1),
        (refused(404), 1),
        (refused(429), 69),
        (refused(500), 1),
        (refused(503), 69),
        (CliError::Incomplete("cut".into()), 1),
        (CliError::Answer("odd".into()), 1),
        (CliError::file("read", "f")(io(ErrorKind::NotFound)), 1),
        (CliError::Stdout(io(ErrorKind::StorageFull)), 1),
        (CliError::Stdout(io(ErrorKind::BrokenPipe)), 0),
        (CliError::Input { file: "f".into(), source: InputError::UnknownFormat }, 1),
        (CliError::Rejected { count: 3 }, 1),
        (CliError::Interrupted, 130),
    ];
    for (error, code) in cases {
        assert_eq!(error.exit_code(), code, "{error:?}");
    }
}

#[test]
fn text_says_message_causes_and_hint() {
    let read = InputError::Read { action: "open it", source: IoError::new(ErrorKind::NotFound, "no such file") };
    let error = CliError::Input { file: "a.csv".into(), source: read };
    assert_eq!(error.text(), "error: cannot import `a.csv`\n  cause: cannot open it\n  cause: no such file\n");
    assert_eq!(CliError::engine(Fake(Kind::Invalid)).text(), "error: engine says Invalid\nhint: do this\n");
}
