//! Where a request comes from: what keys with `sources` and `/metrics` look at.
//!
//! It is the other end of the connection. Only where that is a proxy of the operator
//! (`server.trusted_proxies`), `X-Forwarded-For` is believed: its last address that is no such proxy.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;

use crate::config::Network;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that sent the request; `None` where nobody can tell.
pub(super) fn source_of(parts: &Parts, proxies: &[Network]) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    if !trusted(peer) {
        return Some(peer);
    }
    let sent = parts.headers.get_all(FORWARDED_FOR).iter();
    let texts: Vec<&str> = sent.map(|value| value.to_str().unwrap_or("?")).flat_map(|text| text.split(',')).collect();
    for text in texts.into_iter().rev() {
        let address = text.trim().parse::<IpAddr>().ok()?.to_canonical();
        if !trusted(address) {
            return Some(address);
        }
    }
    // Nobody stands before the proxies: it is one of them that asks.
    Some(peer)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn source(peer: &str, headers: &[&str], proxies: &[&str]) -> Option<String> {
        let mut request = Request::builder();
        for value in headers {
            request = request.header(FORWARDED_FOR, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        let proxies: Vec<Network> = proxies.iter().map(|text| text.parse().unwrap()).collect();
        source_of(&parts, &proxies).map(|address| address.to_string())
    }

    #[test]
    fn the_header_of_a_proxy_is_believed_and_of_nobody_else() {
        type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str], Option<&'a str>);
        let cases: &[Case<'_>] = &[
            ("192.0.2.1", &[], &[], Some("192.0.2.1")),
            ("192.0.2.1", &["10.0.0.1"], &[], Some("192.0.2.1")),
            ("192.0.2.1", &["10.0.0.1"], &["192.0.2.0/24"], Some("10.0.0.1")),
            ("192.0.2.1", &["1.1.1.1, 10.0.0.1"], &["192.0.2.0/24"], Some("10.0.0.1")),
            ("192.0.2.1", &["1.1.1.1, 10.0.0.1, 192.0.2.7"], &["192.0.2.0/24"], Some("10.0.0.1")),
            ("192.0.2.1", &["1.1.1.1", "10.0.0.1"], &["192.0.2.0/24"], Some("10.0.0.1")),
            ("192.0.2.1", &["10.0.0.1, unknown"], &["192.0.2.0/24"], None),
            ("192.0.2.1", &[], &["192.0.2.0/24"], Some("192.0.2.1")),
            ("::ffff:192.0.2.1", &["10.0.0.1"], &["192.0.2.0/24"], Some("10.0.0.1")),
        ];
        for (peer, headers, proxies, want) in cases {
            assert_eq!(source(peer, headers, proxies).as_deref(), *want, "{peer} {headers:?} {proxies:?}");
        }
    }
}
