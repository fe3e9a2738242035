use super::*;
use crate::table::CacheSettings;

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

#[test]
fn all_kinds_of_stores_are_configured_by_their_own_options() {
    let key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    let account = r#"{"type": "service_account", "client_email": "a@b", "private_key_id": "1", "private_key": "none"}"#;
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: &[Case<'_>] = &[
        (
            "s3://b/p",
            &[("aws_region", "eu"), ("aws_endpoint", "https://minio:9000"), ("aws_timeout", "5s")],
            "s3://b/p/",
        ),
        ("s3://b/p", &[("AWS_REGION", "eu"), ("aws_virtual_hosted_style_request", "true")], "s3://b/p/"),
        ("gs://b/p", &[("google_skip_signature", "true"), ("google_timeout", "5s")], "gs://b/p/"),
        ("az://c/p", &[("azure_storage_account_name", "a"), ("azure_storage_account_key", key)], "az://c/p/"),
        ("az://c/p", &[("azure_storage_account_name", "a"), ("azure_skip_signature", "true")], "az://c/p/"),
    ];
    for (url, options, root) in cases {
        let storage = open(url, options).expect(url);
        assert_eq!(storage.display_url(storage.prefix()), *root);
        assert_eq!((storage.requests(), storage.away()), (Some(Requests::default()), None));
    }
    let refused: &[Case<'_>] = &[
        ("gs://b/p", &[("google_service_account", "/nowhere/key.json")], "nowhere"),
        ("gs://b/p", &[("google_service_account_key", account)], "pem"),
        ("az://c/p", &[], "ccount"),
        ("az://c/p", &[("aws_region", "eu")], "no option `aws_region`"),
        ("s3://b/p", &[("aws_timeout", "soon")], "soon"),
    ];
    for (url, options, want) in refused {
        let error = open(url, options).expect_err(url).to_string();
        assert!(error.contains(want), "{url}: {error}");
    }
}

#[test]
fn a_cache_directory_that_cannot_be_used_is_named() {
    let remote =
        RemoteSettings { cache: Some(CacheSettings::new("/dev/null/cache", 1 << 20)), ..RemoteSettings::default() };
    let options = [("aws_region".to_owned(), "eu".to_owned())].into();
    let error = Storage::open_with("s3://b/p", &options, &remote).expect_err("no directory").to_string();
    assert!(error.contains("the read cache cannot be kept in `/dev/null/cache`"), "{error}");
}
