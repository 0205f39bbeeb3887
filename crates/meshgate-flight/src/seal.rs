//! Sealing: what leaves for a client comes back unread and unchanged, or not at all.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use sha2::{Digest, Sha256};
use tonic::Status;

use crate::payload::Sealed;

/// The first byte of everything sealed: the format.
const FORMAT: u8 = 1;
/// Random nonces of 24 bytes never meet, however many gateways share a key; those of 12 bytes would.
const NONCE: usize = 24;

/// A 32-byte secret.
#[derive(Clone)]
pub struct SealKey([u8; 32]);

impl SealKey {
    /// A key from the platform team's configuration (any length; hashed).
    pub fn from_secret(secret: &str) -> Self {
        Self(Sha256::new().chain_update("meshgate seal key 1\0").chain_update(secret).finalize().into())
    }

    /// A random key: tokens and tickets end with the process.
    pub fn random() -> Self {
        Self(rand::random())
    }
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SealKey(…)")
    }
}

/// Seals and opens the payloads of tokens, cookies, handles and tickets.
pub(crate) struct Sealer {
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    pub(crate) fn new(key: &SealKey) -> Self {
        Self { cipher: XChaCha20Poly1305::new((&key.0).into()) }
    }

    /// The payload, sealed under its kind's label.
    pub(crate) fn seal<P: Sealed>(&self, payload: &P) -> Result<Bytes, Status> {
        let nonce: [u8; NONCE] = rand::random();
        let plain = payload.encode_to_vec();
        let cipher = self
            .cipher
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: &plain, aad: P::LABEL })
            .map_err(|_| Status::internal("sealing failed"))?;
        let mut sealed = Vec::with_capacity(1 + NONCE + cipher.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&cipher);
        Ok(sealed.into())
    }

    /// The payload that a gateway with this key sealed under the label of its kind, if it has not expired.
    pub(crate) fn open<P: Sealed>(&self, sealed: &[u8]) -> Result<P, Status> {
        let refused = || {
            Status::unauthenticated(format!(
                "this is no {} of this gateway, or its key has changed; {}",
                P::WHAT,
                P::REMEDY
            ))
        };
        let (format, rest) = sealed.split_first().ok_or_else(refused)?;
        let (nonce, cipher) = rest.split_at_checked(NONCE).ok_or_else(refused)?;
        if *format != FORMAT {
            return Err(refused());
        }
        let plain = self
            .cipher
            .decrypt(XNonce::from_slice(nonce), Payload { msg: cipher, aad: P::LABEL })
            .map_err(|_| refused())?;
        let payload = P::decode(Bytes::from(plain)).map_err(|_| refused())?;
        if payload.expires_at() < now() {
            return Err(Status::unauthenticated(format!("the {} has expired; {}", P::WHAT, P::REMEDY)));
        }
        Ok(payload)
    }
}

/// Seconds since 1970-01-01 UTC.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// When something made now with that lifetime ends, in seconds since 1970-01-01 UTC.
pub(crate) fn expiry(lifetime: Duration) -> i64 {
    now().saturating_add(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tonic::Code;

    use super::*;
    use crate::payload::{BearerToken, SessionCookie};

    fn token(expires_at: i64) -> BearerToken {
        BearerToken { user: "ann".to_owned(), expires_at, credential: Bytes::from_static(b"x"), session: None }
    }

    #[test]
    fn a_shared_secret_opens_what_another_gateway_sealed() {
        let (one, other) = (Sealer::new(&SealKey::from_secret("shared")), Sealer::new(&SealKey::from_secret("shared")));
        let sealed = one.seal(&token(expiry(Duration::from_secs(60)))).unwrap();
        assert_eq!(other.open::<BearerToken>(&sealed).unwrap().user, "ann");
    }

    #[test]
    fn another_key_another_kind_and_the_past_are_refused() {
        let sealer = Sealer::new(&SealKey::random());
        let sealed = sealer.seal(&token(expiry(Duration::from_secs(60)))).unwrap();

        let stranger = Sealer::new(&SealKey::random()).open::<BearerToken>(&sealed).unwrap_err();
        assert_eq!(stranger.code(), Code::Unauthenticated);
        let confused = sealer.open::<SessionCookie>(&sealed).unwrap_err();
        assert_eq!(confused.code(), Code::Unauthenticated);

        let expired = sealer.open::<BearerToken>(&sealer.seal(&token(now() - 1)).unwrap()).unwrap_err();
        assert_eq!(expired.code(), Code::Unauthenticated);
        insta::assert_snapshot!(expired.message(), @"the bearer token has expired; log in again");
        insta::assert_snapshot!(stranger.message(), @"this is no bearer token of this gateway, or its key has changed; log in again");
    }

    #[test]
    fn the_key_does_not_print() {
        assert_eq!(format!("{:?}", SealKey::from_secret("s3cret")), "SealKey(…)");
    }

    proptest! {
        #[test]
        fn any_change_of_any_byte_is_noticed(position in 0usize..1000, change in 1u8..=255) {
            let sealer = Sealer::new(&SealKey::from_secret("k"));
            let mut sealed = sealer.seal(&token(i64::MAX)).unwrap().to_vec();
            let position = position % sealed.len();
            sealed[position] ^= change;
            prop_assert_eq!(sealer.open::<BearerToken>(&sealed).unwrap_err().code(), Code::Unauthenticated);
        }

        #[test]
        fn garbage_and_truncation_never_open(garbage: Vec<u8>, keep in 0usize..1000) {
            let sealer = Sealer::new(&SealKey::from_secret("k"));
            prop_assert!(sealer.open::<BearerToken>(&garbage).is_err());
            let sealed = sealer.seal(&token(i64::MAX)).unwrap();
            prop_assert!(sealer.open::<BearerToken>(&sealed[..keep % sealed.len()]).is_err());
        }
    }
}
