use object_store::{ObjectStoreExt, PutMode};

use super::*;

fn store() -> (tempfile::TempDir, DurableLocal, Path) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let base = dir.path().canonicalize().expect("exists");
    let prefix = Path::from_absolute_path(&base).expect("is absolute");
    (dir, DurableLocal::new(base), prefix)
}

async fn content(store: &DurableLocal, path: &Path) -> Bytes {
    store.get(path).await.expect("is there").bytes().await.expect("reads")
}

#[tokio::test]
async fn puts_create_and_overwrite() {
    let (dir, store, prefix) = store();
    let path = Path::parse(format!("{prefix}/a/b=%2F/c.json")).expect("a path");
    store.put_opts(&path, "one".into(), PutMode::Create.into()).await.expect("is new");
    let again = store.put_opts(&path, "two".into(), PutMode::Create.into()).await;
    assert!(matches!(again, Err(object_store::Error::AlreadyExists { .. })));
    assert_eq!(content(&store, &path).await, "one");
    store.put(&path, "three".into()).await.expect("overwrites");
    assert_eq!(content(&store, &path).await, "three");
    assert!(dir.path().join("a/b=%2F/c.json").is_file());
    let left = fs::read_dir(dir.path().join(STAGING)).expect("exists").count();
    assert_eq!(left, 0, "nothing stays in the staging directory");
}

#[tokio::test]
async fn an_upload_in_parts_is_put_together() {
    let (_dir, store, prefix) = store();
    let path = prefix.clone().join("new").join("large");
    let mut upload = store.put_multipart(&path).await.expect("starts");
    upload.put_part("one ".into()).await.expect("takes it");
    upload.put_part("two".into()).await.expect("takes it");
    assert!(store.head(&path).await.is_err(), "not before it is complete");
    upload.complete().await.expect("completes");
    assert_eq!(content(&store, &path).await, "one two");
    let copy = prefix.clone().join("copied").join("large");
    store.copy(&path, &copy).await.expect("copies");
    store.rename(&path, &prefix.clone().join("moved")).await.expect("renames");
    assert_eq!(content(&store, &copy).await, "one two");
    assert!(store.head(&path).await.is_err());
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_written() {
    let (_dir, store, prefix) = store();
    store.put(&prefix.clone().join("before"), "x".into()).await.expect("works");
    assert!(store.disk.synced::<()>(Err(io::Error::other("no"))).is_err());
    assert!(store.is_broken());
    assert!(store.put(&prefix.clone().join("after"), "x".into()).await.is_err());
    assert!(store.put_multipart(&prefix.clone().join("after")).await.is_err());
    assert_eq!(content(&store, &prefix.clone().join("before")).await, "x", "reading goes on");
}
