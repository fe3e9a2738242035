//! Whether a store can do what commits need: tried out below a prefix of its own.

use std::time::{Duration, Instant};

use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use uuid::Uuid;

use futures::TryStreamExt;

use super::Storage;

/// Directory of probe objects, below the root.
const PROBE: &str = ".probe";
/// Longest that the whole probe may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was tried, and how long it took or why it failed.
type Tried = (&'static str, Result<Duration, String>);

impl Storage {
    /// Makes an object where there is none, is refused where there is one, reads, lists and deletes it.
    /// Nothing is tried after a failure; what was made is removed where that is possible.
    pub async fn probe(&self) -> Vec<Tried> {
        let mut tried = Vec::new();
        if tokio::time::timeout(PATIENCE, self.try_all(&mut tried)).await.is_err() {
            tried.push(("answer in time", Err(format!("nothing came for {} s", PATIENCE.as_secs()))));
        }
        tried
    }

    async fn try_all(&self, tried: &mut Vec<Tried>) {
        let (store, root) = (self.store(), self.prefix().clone().join(PROBE));
        let path = root.clone().join(Uuid::new_v4().to_string());
        let create = || store.put_opts(&path, PutPayload::from_static(b"probe"), PutMode::Create.into());
        let text = |error: object_store::Error| error.to_string();
        let began = Instant::now();
        let mut note = |what, outcome: Result<(), String>| {
            let failed = outcome.is_err();
            tried.push((what, outcome.map(|()| began.elapsed())));
            failed
        };
        if note("make an object", create().await.map(|_| ()).map_err(text)) {
            return;
        }
        let again = match create().await {
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(()),
            Err(error) => Err(error.to_string()),
            Ok(_) => Err("it overwrote an object that should have been kept: two servers would lose events".to_owned()),
        };
        let read = async {
            let bytes = store.get(&path).await.map_err(text)?.bytes().await.map_err(text)?;
            if bytes.as_ref() == b"probe" { Ok(()) } else { Err("other bytes came back".to_owned()) }
        };
        let list = async {
            let listed: Vec<_> = store.list(Some(&root)).try_collect().await.map_err(text)?;
            let found = listed.iter().any(|object| object.location == path);
            if found { Ok(()) } else { Err("an object that was made is not in the list".to_owned()) }
        };
        let failed = note("keep an object that exists", again)
            || note("read an object", read.await)
            || note("list objects", list.await);
        let deleted = store.delete(&path).await.map_err(text);
        if !failed {
            note("delete an object", deleted);
        }
    }
}
