use std::fs;
use std::io::Write;

use serde_json::json;

use super::*;
use crate::error::Report;

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("jobs.ndjson")
    }

    fn open(&self, kept: usize) -> Jobs {
        Jobs::open(&self.path(), kept).unwrap()
    }
}

fn project() -> ProjectName {
    ProjectName::default_project()
}

#[test]
fn a_job_is_seen_while_it_runs_and_after() {
    let place = Place::new();
    let jobs = place.open(10);
    let job = jobs.begin(Kind::Compaction, &project(), "3 partitions").unwrap();
    job.progress(10, Some(30));
    job.tell(json!({"files": 2}));
    let running = jobs.get(job.id()).unwrap();
    assert_eq!((running.state, running.done, running.total, running.ended_us), (State::InProgress, 10, Some(30), None));
    assert_eq!((running.project, running.subject.as_str()), (Some(project()), "3 partitions"));
    assert_eq!(jobs.running()[&Kind::Compaction], 1);
    let id = job.id().to_owned();
    job.finish(Outcome::Done);
    let ended = jobs.get(&id).unwrap();
    assert_eq!(
        (ended.state, ended.result.clone(), ended.error.clone()),
        (State::Done, Some(json!({"files": 2})), None)
    );
    assert!(ended.ended_us.unwrap() >= ended.started_us);
    assert_eq!(jobs.running()[&Kind::Compaction], 0);
    let server = jobs.begin(Kind::Retention, None, "all").unwrap();
    assert_eq!(jobs.list().iter().map(|job| job.kind).collect::<Vec<_>>(), [Kind::Retention, Kind::Compaction]);
    server.finish_with(&Err::<(), _>(JobError::NotFound("x".into())));
    assert_eq!(jobs.list()[0].error.as_deref(), Some("there is no job `x`"));

    let shown = serde_json::to_value(&ended).unwrap();
    assert_eq!(shown["kind"], "compaction");
    assert!(shown["started"].as_str().unwrap().ends_with('Z'), "{shown}");
    assert_eq!(place.open(10).get(&id).unwrap(), ended, "as it was, after a restart");
}

#[test]
fn one_that_is_left_off_has_failed_or_was_canceled() {
    let place = Place::new();
    let jobs = place.open(10);
    drop(jobs.begin(Kind::Erase, &project(), "a").unwrap());
    let job = jobs.begin(Kind::Erase, &project(), "b").unwrap();
    assert!(!job.cancelled());
    assert_eq!(jobs.cancel(job.id()).unwrap().state, State::InProgress);
    assert!(job.cancelled() && job.token().is_cancelled());
    drop(job);
    let job = jobs.begin(Kind::Erase, &project(), "c").unwrap();
    jobs.cancel(job.id()).unwrap();
    job.finish_with(&Err::<(), _>(JobError::NotFound("x".into())));
    let states: Vec<_> = jobs.list().into_iter().map(|job| (job.subject, job.state, job.error)).collect();
    let left_off = Some("it was left off before its end".to_owned());
    assert_eq!(
        states,
        [
            ("c".to_owned(), State::Canceled, None),
            ("b".to_owned(), State::Canceled, None),
            ("a".to_owned(), State::Failed, left_off)
        ]
    );
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _job = jobs.begin(Kind::Erase, &project(), "d").unwrap();
        panic!("as planned");
    }));
    assert!(panicked.is_err());
    assert!(jobs.list()[0].error.as_deref().unwrap().starts_with("a fault of ours"));
}

#[test]
fn what_cannot_be_canceled_says_why() {
    let place = Place::new();
    let jobs = place.open(10);
    let flush = jobs.begin(Kind::Flush, &project(), "1 event").unwrap();
    let code = |id: &str| jobs.cancel(id).unwrap_err().code();
    assert_eq!(code(flush.id()), "job_not_cancelable");
    let id = flush.id().to_owned();
    flush.finish(Outcome::Done);
    assert_eq!(code(&id), "job_ended");
    assert_eq!(code("nothing"), "job_not_found");
    let (ours, other) = (ProjectName::try_from("ours").unwrap(), ProjectName::try_from("other").unwrap());
    let (first, second) =
        (jobs.begin(Kind::Compaction, &ours, "").unwrap(), jobs.begin(Kind::Compaction, &other, "").unwrap());
    jobs.cancel_of(&ours);
    assert!(first.cancelled() && !second.cancelled());
    jobs.cancel_all();
    assert!(second.cancelled());
}

#[test]
fn what_ran_when_the_process_ended_has_failed() {
    let place = Place::new();
    let jobs = place.open(10);
    let (erase, flush) =
        (jobs.begin(Kind::Erase, &project(), "e").unwrap(), jobs.begin(Kind::Flush, None, "f").unwrap());
    let ids = [erase.id().to_owned(), flush.id().to_owned()];
    let (erase, flush) = (std::mem::ManuallyDrop::new(erase), std::mem::ManuallyDrop::new(flush));
    let again = place.open(10);
    let found = again.get(&ids[0]).unwrap();
    assert_eq!((found.state, found.error.as_deref()), (State::Failed, Some("the server ended while it ran")));
    assert!(again.get(&ids[1]).is_err(), "a flush is told of when it ends");
    assert_eq!(erase.id(), ids[0]);
    assert_eq!(flush.id(), ids[1]);
}

#[test]
fn so_many_of_each_kind_are_kept_and_the_file_stays_short() {
    let place = Place::new();
    let jobs = place.open(2);
    let erase = jobs.begin(Kind::Erase, &project(), "long").unwrap();
    for at in 0..1_100 {
        jobs.begin(Kind::Flush, &project(), &format!("{at}")).unwrap().finish(Outcome::Done);
    }
    let subjects = |jobs: &Jobs| jobs.list().into_iter().map(|job| job.subject).collect::<Vec<_>>();
    assert_eq!(subjects(&jobs), ["1099", "1098", "long"]);
    let lines = fs::read_to_string(place.path()).unwrap().lines().count();
    assert!(lines < 200, "{lines} lines");
    let again = place.open(2);
    assert_eq!(subjects(&again), ["1099", "1098", "long"], "also the one that runs outlived the rewrite");
    drop(erase);
}

#[test]
fn damaged_lines_take_no_others_with_them() {
    let place = Place::new();
    let jobs = place.open(10);
    jobs.begin(Kind::Erase, &project(), "first").unwrap().finish(Outcome::Done);
    let mut file = fs::OpenOptions::new().append(true).open(place.path()).unwrap();
    file.write_all(b"{\"id\":1}\n\0\0\0\n").unwrap();
    jobs.begin(Kind::Erase, &project(), "second").unwrap().finish(Outcome::Done);
    file.write_all(b"{\"id\":\"torn").unwrap();
    let found: Vec<_> = place.open(10).list().into_iter().map(|job| job.subject).collect();
    assert_eq!(found, ["second", "first"]);
    assert_eq!(place.open(1).list().len(), 1);
}

#[test]
fn what_must_leave_a_trace_does_not_begin_without() {
    let place = Place::new();
    let jobs = place.open(10);
    fs::remove_file(place.path()).unwrap();
    fs::create_dir(place.path()).unwrap();
    let Err(error) = jobs.begin(Kind::Erase, &project(), "x") else { panic!("cannot be kept") };
    assert_eq!(error.code(), "data_dir_unusable");
    let job = jobs.begin(Kind::Compaction, &project(), "x").unwrap();
    job.finish(Outcome::Done);
    assert_eq!(jobs.list().iter().filter(|job| job.state == State::Done).count(), 1);
}
