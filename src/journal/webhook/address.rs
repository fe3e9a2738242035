//! Which addresses may be called: public ones, and those of networks that a setting allows.
//!
//! Whoever may set a URL must not reach what only this machine reaches: its own services, the network behind it,
//! the metadata service of its cloud. A name is no proof, for its owner decides what it resolves to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::{URL_MAX, WebhookError};
use crate::config::Network;

/// Ports below 1024 that speak HTTP.
const LOW_PORTS: [u16; 2] = [80, 443];

/// What is not public: this host, private, shared, link-local, documentation, benchmarks, multicast, reserved.
static NOT_PUBLIC: LazyLock<Vec<Network>> = LazyLock::new(|| {
    const NETWORKS: [&str; 15] = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ];
    NETWORKS.iter().filter_map(|network| network.parse().ok()).collect()
});

/// Of IPv6 only what is given out to the public, less documentation and what wraps an address of IPv4.
static PUBLIC_V6: LazyLock<Option<Network>> = LazyLock::new(|| "2000::/3".parse().ok());
static NOT_PUBLIC_V6: LazyLock<Vec<Network>> = LazyLock::new(|| {
    const NETWORKS: [&str; 4] = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];
    NETWORKS.iter().filter_map(|network| network.parse().ok()).collect()
});

/// What may be called.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    allowed: Arc<[Network]>,
}

impl Rules {
    /// Public addresses, and those of `allowed`.
    #[must_use]
    pub fn new(allowed: &[Network]) -> Self {
        Self { allowed: allowed.into() }
    }

    /// Whether an address may be connected to.
    #[must_use]
    pub fn permit(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(address)) || is_public(address)
    }

    /// Reads a URL that is to be called; an address in it is checked now, a name when it is resolved.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, text: &str) -> Result<Url, WebhookError> {
        let refuse = |reason: &str| Err(WebhookError::Url(reason.to_owned()));
        if text.len() > URL_MAX {
            return Err(WebhookError::Url(format!("it has {} bytes; at most {URL_MAX} are taken", text.len())));
        }
        let url = Url::parse(text).map_err(|error| WebhookError::Url(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return refuse("its scheme is neither `https` nor `http`");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("it has a user or a password; the signature says who calls");
        }
        let port = url.port_or_known_default().unwrap_or(0);
        if port < 1_024 && !LOW_PORTS.contains(&port) {
            return refuse("its port is neither 80, 443, nor 1024 or above");
        }
        let address = match url.host() {
            None => return refuse("it names no host"),
            Some(Host::Domain(_)) => return Ok(url),
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
        };
        if self.permit(address) {
            return Ok(url);
        }
        Err(WebhookError::Address { host: url.host_str().unwrap_or_default().to_owned(), address })
    }
}

/// Whether everybody on the internet could reach the address.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        v6 @ IpAddr::V6(_) => {
            PUBLIC_V6.is_some_and(|public| public.contains(v6))
                && !NOT_PUBLIC_V6.iter().any(|network| network.contains(v6))
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !NOT_PUBLIC.iter().any(|network| network.contains(IpAddr::V4(address)))
}

/// Looks names up, and gives addresses that are permitted only: connections are made to these.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    pub(super) rules: Rules,
}

/// A name that resolves to what must not be called.
#[derive(Debug, thiserror::Error)]
#[error("`{host}` resolves to {address}, which is not public")]
pub(super) struct NotPermitted {
    pub(super) host: String,
    pub(super) address: IpAddr,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = self.rules.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            // One that is not permitted among others says enough of the name.
            if let Some(wrong) = found.iter().find(|found| !rules.permit(found.ip())) {
                return Err(NotPermitted { host, address: wrong.ip() }.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
