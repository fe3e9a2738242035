//! Object stores by their URL: options, credentials, how often a request is tried.
//!
//! Credentials come from the options, then the environment (keys, files with tokens, containers), then the
//! instance's metadata service, as the vendor's own tools look for them. Commits need a put that fails where
//! the object exists; all three kinds have one, and it is on by default.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

use super::cache::CacheSettings;
use super::link::{Connector, Link};

/// Pause before the first repetition of a request; it grows by a random factor up to [`PAUSE_MAX`].
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// Longest pause between two tries of a request.
const PAUSE_MAX: Duration = Duration::from_secs(3);
/// Most repetitions of a request.
const RETRIES_MAX: usize = 10;

/// How an object store is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteSettings {
    /// How long a request that fails is tried again.
    pub retry_timeout: Duration,
    /// The read cache; `None` for none.
    pub cache: Option<CacheSettings>,
}

impl Default for RemoteSettings {
    fn default() -> Self {
        Self { retry_timeout: Duration::from_secs(10), cache: None }
    }
}

/// The store of `url` and the path in it.
pub(super) fn connect(
    url: &Url,
    options: &BTreeMap<String, String>,
    link: &Arc<Link>,
    retry_timeout: Duration,
) -> Result<(Arc<dyn ObjectStore>, Path), String> {
    let text = |error: object_store::Error| error.to_string();
    let (scheme, path) = ObjectStoreScheme::parse(url).map_err(|error| error.to_string())?;
    let (settings, connector) = (settings(&scheme, options)?, Connector { link: Arc::clone(link) });
    let retry = RetryConfig {
        backoff: BackoffConfig { init_backoff: PAUSE_FIRST, max_backoff: PAUSE_MAX, base: 2.0 },
        max_retries: RETRIES_MAX,
        retry_timeout,
    };
    let store: Arc<dyn ObjectStore> = match scheme {
        ObjectStoreScheme::AmazonS3 => {
            let builder = AmazonS3Builder::new().with_url(url.as_str());
            let builder = given::<AmazonS3ConfigKey, _>(builder, settings, AmazonS3Builder::with_config);
            Arc::new(builder.with_retry(retry).with_http_connector(connector).build().map_err(text)?)
        }
        ObjectStoreScheme::GoogleCloudStorage => {
            let builder = GoogleCloudStorageBuilder::new().with_url(url.as_str());
            let builder = given::<GoogleConfigKey, _>(builder, settings, GoogleCloudStorageBuilder::with_config);
            Arc::new(builder.with_retry(retry).with_http_connector(connector).build().map_err(text)?)
        }
        _ => {
            let builder = MicrosoftAzureBuilder::new().with_url(url.as_str());
            let builder = given::<AzureConfigKey, _>(builder, settings, MicrosoftAzureBuilder::with_config);
            Arc::new(builder.with_retry(retry).with_http_connector(connector).build().map_err(text)?)
        }
    };
    Ok((store, Path::parse(path).map_err(|error| error.to_string())?))
}

/// `builder` with all settings; they were checked.
fn given<K: std::str::FromStr, B>(builder: B, settings: Vec<(String, String)>, give: fn(B, K, String) -> B) -> B {
    settings.into_iter().fold(builder, |builder, (key, value)| match key.parse() {
        Ok(key) => give(builder, key, value),
        Err(_) => builder,
    })
}

/// Options from the environment, then the given ones; an unknown one is an error.
fn settings(scheme: &ObjectStoreScheme, options: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, String> {
    let (prefix, known): (&str, fn(&str) -> bool) = match scheme {
        ObjectStoreScheme::AmazonS3 => ("AWS_", |key| key.parse::<AmazonS3ConfigKey>().is_ok()),
        ObjectStoreScheme::GoogleCloudStorage => ("GOOGLE_", |key| key.parse::<GoogleConfigKey>().is_ok()),
        ObjectStoreScheme::MicrosoftAzure => ("AZURE_", |key| key.parse::<AzureConfigKey>().is_ok()),
        _ => return Err("only local directories, s3, gs and az are supported".into()),
    };
    let mut settings: Vec<(String, String)> = std::env::vars()
        .filter(|(key, _)| key.starts_with(prefix))
        .map(|(key, value)| (key.to_ascii_lowercase(), value))
        .filter(|(key, _)| known(key))
        .collect();
    for (key, value) in options {
        let key = key.to_ascii_lowercase();
        if !known(&key) {
            return Err(format!("the store has no option `{key}`"));
        }
        settings.push((key, value.clone()));
    }
    Ok(settings)
}
