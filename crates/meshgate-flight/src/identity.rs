//! Who calls: credentials become a [`Caller`], whose groups, roles and attributes are always those of today.

use std::{num::NonZero, sync::Arc, thread::available_parallelism, time::Duration};

use base64::{
    Engine,
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig,
        general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    },
};
use bytes::Bytes;
use meshgate_catalog::{User, UserDirectory};
use meshgate_policy::Principal;
use meshgate_query::{LiveMesh, SessionSettings};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tonic::{Status, metadata::MetadataMap};

use crate::{
    Config,
    password::verify_password,
    payload::{BearerToken, SessionCookie},
    seal::{Sealer, expiry, now},
    status::internal,
};

/// Logins that may wait for a core; more are turned away, so that a flood of them stays a matter of logins.
const WAITING_LOGINS: usize = 128;
/// The cookie of Flight's sessions (https://arrow.apache.org/docs/format/Flight.html#session-management).
const COOKIE: &str = "arrow_flight_session_id";

/// An authenticated caller and their session.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) settings: SessionSettings,
    credential: Bytes,
    /// When the login ends, in seconds since 1970-01-01 UTC. No token of it outlives it.
    ends_at: i64,
}

impl Caller {
    pub(crate) fn user(&self) -> &str {
        &self.principal.user
    }
}

/// What a call presents. Another way to log in is another variant.
enum Credentials {
    Basic { user: String, password: String },
    Bearer(String),
}

/// Turns credentials into callers, and callers into tokens.
pub(crate) struct Identity {
    users: Option<Arc<UserDirectory>>,
    mesh: Arc<LiveMesh>,
    sealer: Arc<Sealer>,
    token_lifetime: Duration,
    /// One password is checked a core at a time, on half of the cores.
    checking: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Identity {
    pub(crate) fn new(config: &Config, mesh: Arc<LiveMesh>, sealer: Arc<Sealer>) -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self {
            users: config.users.clone(),
            mesh,
            sealer,
            token_lifetime: config.token_lifetime,
            checking: Arc::new(Semaphore::new((cores / 2).max(1))),
            waiting: Semaphore::new(WAITING_LOGINS),
        }
    }

    /// The caller behind the headers of a call: `authorization` is Basic or Bearer, on any call; the session is the
    /// cookie's, else the token's.
    pub(crate) async fn authenticate(&self, headers: &MetadataMap) -> Result<Caller, Status> {
        let mut caller = match credentials(headers)? {
            Credentials::Basic { user, password } => self.log_in(user, password).await?,
            Credentials::Bearer(token) => self.recognise(&token)?,
        };
        if let Some(cookie) = cookie(headers) {
            let sealed = unwrapped(&cookie).unwrap_or_default();
            let session: SessionCookie = self.sealer.open(&sealed)?;
            // Another user's cookie is left over from another login through the same client.
            if session.user == caller.user() {
                caller.settings = session.session.unwrap_or_default().into();
            }
        }
        Ok(caller)
    }

    async fn log_in(&self, user: String, password: String) -> Result<Caller, Status> {
        let _place = self
            .waiting
            .try_acquire()
            .map_err(|_| Status::resource_exhausted("too many logins at once; try again in a moment"))?;
        let core =
            self.checking.clone().acquire_owned().await.map_err(|_| internal("the login semaphore is closed"))?;
        let hash = self.with_user(&user, |found| found.and_then(|found| found.password_hash.clone()));
        let verified = tokio::task::spawn_blocking(move || {
            let verified = verify_password(&password, hash.as_deref());
            drop(core);
            verified
        });
        if !verified.await.map_err(|_| internal("a password check panicked"))? {
            return Err(Status::unauthenticated("the user name or the password is wrong"));
        }
        let ends_at = expiry(self.token_lifetime);
        self.caller(&user, ends_at).ok_or_else(|| Status::unauthenticated("the user name or the password is wrong"))
    }

    /// A bearer token costs no password check, but its user and their password must still be those of the login.
    fn recognise(&self, token: &str) -> Result<Caller, Status> {
        let sealed = unwrapped(token).unwrap_or_default();
        let token: BearerToken = self.sealer.open(&sealed)?;
        let mut caller = self
            .caller(&token.user, token.expires_at)
            .filter(|caller| caller.credential == token.credential)
            .ok_or_else(|| Status::unauthenticated("the bearer token is no longer valid; log in again"))?;
        caller.settings = token.session.unwrap_or_default().into();
        Ok(caller)
    }

    fn caller(&self, user: &str, ends_at: i64) -> Option<Caller> {
        self.with_user(user, |found| {
            let found = found?;
            Some(Caller {
                principal: Principal::from(found),
                settings: SessionSettings::default(),
                credential: fingerprint(found.password_hash.as_deref()?),
                ends_at,
            })
        })
    }

    fn with_user<T>(&self, name: &str, then: impl FnOnce(Option<&User>) -> T) -> T {
        match &self.users {
            Some(users) => then(users.get(name)),
            None => {
                let mesh = self.mesh.current();
                then(mesh.catalog.users().and_then(|users| users.get(name)))
            }
        }
    }

    /// The value of an `authorization` header that stands for the caller and their session.
    pub(crate) fn bearer(&self, caller: &Caller) -> Result<String, Status> {
        let token = BearerToken {
            user: caller.user().to_owned(),
            expires_at: caller.ends_at,
            credential: caller.credential.clone(),
            session: Some((&caller.settings).into()),
        };
        Ok(format!("Bearer {}", URL_SAFE_NO_PAD.encode(self.sealer.seal(&token)?)))
    }

    /// The value of a `set-cookie` header that carries the caller's session; without one it takes the cookie away.
    pub(crate) fn cookie(&self, caller: &Caller, open: bool) -> Result<String, Status> {
        if !open {
            return Ok(format!("{COOKIE}=; Max-Age=0"));
        }
        let session = SessionCookie {
            user: caller.user().to_owned(),
            expires_at: caller.ends_at,
            session: Some((&caller.settings).into()),
        };
        let value = URL_SAFE_NO_PAD.encode(self.sealer.seal(&session)?);
        Ok(format!("{COOKIE}={value}; Max-Age={}; HttpOnly", caller.ends_at.saturating_sub(now()).max(0)))
    }
}

/// Tells passwords apart without telling them: the salted hash is hashed again.
fn fingerprint(password_hash: &str) -> Bytes {
    Bytes::copy_from_slice(&Sha256::digest(password_hash)[..16])
}

/// Clients pad Basic credentials or not.
const BASIC: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn credentials(headers: &MetadataMap) -> Result<Credentials, Status> {
    let missing = || {
        Status::unauthenticated(
            "no credentials: send a user name and a password (Basic), or the bearer token of a handshake",
        )
    };
    let header = headers.get("authorization").ok_or_else(missing)?;
    let header = header.to_str().map_err(|_| Status::unauthenticated("the `authorization` header is not ASCII"))?;
    let (scheme, value) = header.trim().split_once(' ').ok_or_else(missing)?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Credentials::Bearer(value.to_owned()));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let unreadable = || Status::unauthenticated("the Basic credentials are not base64 of `user:password` in UTF-8");
        let decoded = BASIC.decode(value).map_err(|_| unreadable())?;
        let decoded = String::from_utf8(decoded).map_err(|_| unreadable())?;
        let (user, password) = decoded.split_once(':').ok_or_else(unreadable)?;
        return Ok(Credentials::Basic { user: user.to_owned(), password: password.to_owned() });
    }
    Err(Status::unauthenticated("the `authorization` header is neither Basic nor Bearer"))
}

fn cookie(headers: &MetadataMap) -> Option<String> {
    headers
        .get_all("cookie")
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && !value.is_empty())
        .map(|(_, value)| value.trim_matches('"').to_owned())
}

/// The sealed bytes behind their text; clients hand on URL-safe text as they got it, some of them padded.
fn unwrapped(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).or_else(|_| STANDARD.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(name: &'static str, value: &str) -> MetadataMap {
        let mut headers = MetadataMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn basic_and_bearer_are_read_in_any_case_and_padding() {
        for header in ["Basic YW5uOmE6Yg==", "basic YW5uOmE6Yg"] {
            match credentials(&headers("authorization", header)).unwrap() {
                Credentials::Basic { user, password } => assert_eq!((user.as_str(), password.as_str()), ("ann", "a:b")),
                Credentials::Bearer(_) => panic!("not a bearer token"),
            }
        }
        assert!(matches!(
            credentials(&headers("authorization", "BEARER abc")).unwrap(),
            Credentials::Bearer(token) if token == "abc"
        ));
    }

    #[test]
    fn what_is_not_understood_is_unauthenticated() {
        for header in ["", "Basic", "Basic !!!", "Basic YW5u", "Digest abc", "Basic /w=="] {
            let status = credentials(&headers("authorization", header)).err().unwrap();
            assert_eq!(status.code(), tonic::Code::Unauthenticated, "{header}");
        }
        assert!(credentials(&MetadataMap::new()).is_err());
    }

    #[test]
    fn the_session_cookie_is_found_among_others() {
        let found = cookie(&headers("cookie", "a=b; arrow_flight_session_id=xyz; c=d"));
        assert_eq!(found.as_deref(), Some("xyz"));
        assert_eq!(cookie(&headers("cookie", "arrow_flight_session_id=")), None);
    }

    proptest! {
        #[test]
        fn no_header_panics(text in "[ -~]{0,80}") {
            let _ = credentials(&headers("authorization", &text));
            let _ = credentials(&headers("authorization", &format!("Basic {text}")));
            let _ = cookie(&headers("cookie", &text));
            let _ = unwrapped(&text);
        }
    }
}
