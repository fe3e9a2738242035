//! The signature of a call: HMAC-SHA256 over the time and the body.
//!
//! `Kronika-Signature: t=1764230400,v1=5257a8…` where `v1` is the hex HMAC of `t`, a point, and the bytes of the
//! body. A receiver computes the same, compares in constant time, and refuses times that are far from its own.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::access::{hex, unhex};

/// Header of the signature.
pub const SIGNATURE_HEADER: &str = "kronika-signature";

fn mac(secret: &str, time_s: i64, body: &[u8]) -> Option<Hmac<Sha256>> {
    // HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(time_s.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

/// The value of the header.
#[must_use]
pub fn sign(secret: &str, time_s: i64, body: &[u8]) -> String {
    let digest = mac(secret, time_s, body).map(|mac| mac.finalize().into_bytes());
    format!("t={time_s},v1={}", digest.map(|digest| hex(&digest)).unwrap_or_default())
}

/// Whether `header` signs `body`, at a time within `tolerance_s` of `now_s`: what a receiver does.
#[must_use]
pub fn verify(secret: &str, header: &str, body: &[u8], now_s: i64, tolerance_s: i64) -> bool {
    let part = |name: &str| header.split(',').find_map(|part| part.trim().strip_prefix(name));
    let (Some(time), Some(sent)) = (part("t="), part("v1=")) else { return false };
    let Ok(time_s) = time.parse::<i64>() else { return false };
    if now_s.saturating_sub(time_s).saturating_abs() > tolerance_s {
        return false;
    }
    let Some(sent) = unhex(sent) else { return false };
    mac(secret, time_s, body).is_some_and(|mac| mac.verify_slice(&sent).is_ok())
}
