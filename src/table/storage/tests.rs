use super::*;

fn open(url: &str, options: &[(&str, &str)]) -> Result<Storage, TableError> {
    let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Storage::open(url, &options)
}

#[test]
fn roots_are_paths_or_urls() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let base = dir.path().canonicalize().expect("exists");
    let plain = base.join("a b");
    let url = Url::from_directory_path(&plain).expect("is absolute");
    for root in [plain.display().to_string(), url.to_string()] {
        let storage = open(&root, &[]).expect("opens");
        assert_eq!(format!("/{}", storage.prefix()), plain.display().to_string());
        assert_eq!(storage.store_url().as_str(), "file:///");
        assert_eq!(storage.display_url(storage.prefix()), url.as_str());
        assert!(plain.is_dir());
    }
    let s3 = open("s3://bucket/a/b", &[("aws_region", "eu-central-1"), ("aws_skip_signature", "true")]).expect("opens");
    assert_eq!(s3.prefix().as_ref(), "a/b");
    assert_eq!(s3.store_url().as_str(), "s3://bucket/");
    let root = s3.table_root(&ProjectName::default_project());
    assert_eq!(root.as_ref(), "a/b/projects/default/events");
    assert_eq!(s3.display_url(&root), "s3://bucket/a/b/projects/default/events/");
}

#[test]
fn what_is_no_root_is_refused() {
    let cases = [
        ("http://host/a", "", "only local directories"),
        ("nothing://host/a", "", "Unable to recognise URL"),
        ("s3://bucket/a", "aws_regoin", "no option `aws_regoin`"),
        ("/dev/null/a", "", "Not a directory"),
    ];
    for (url, option, want) in cases {
        let options: &[_] = if option.is_empty() { &[] } else { &[(option, "x")] };
        let error = open(url, options).expect_err(url).to_string();
        assert!(error.contains(want), "{error}");
    }
}
