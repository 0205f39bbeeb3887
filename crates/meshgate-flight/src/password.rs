//! Passwords: argon2id in PHC format (RFC 9106, https://github.com/P-H-C/phc-string-format).

use std::sync::LazyLock;

use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{Error, SaltString},
};

/// An argon2id hash of `password`, for `users.yaml`.
pub fn hash_password(password: &str) -> Result<String, Error> {
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>())?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt)?.to_string())
}

/// What an unknown user's password is held against, so that a stranger can't tell by the clock who exists.
static DECOY: LazyLock<Option<String>> = LazyLock::new(|| hash_password("nobody's password").ok());

/// Whether `password` is the one behind `hash`. `None`, an unknown user, costs the same time.
///
/// The hash's own parameters count. It takes some 20 MB and tens of milliseconds of one core: call it off the
/// network threads.
pub fn verify_password(password: &str, hash: Option<&str>) -> bool {
    // Whoever comes first pays for the decoy, known or not.
    let decoy = DECOY.as_deref();
    let matches = hash.or(decoy).is_some_and(|hash| {
        PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    });
    matches && hash.is_some()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_password_opens_its_own_hash_alone() {
        let hash = hash_password("pässword").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
        assert!(verify_password("pässword", Some(&hash)));
        assert!(!verify_password("password", Some(&hash)));
        assert!(!verify_password("", Some(&hash)));
        assert_ne!(hash, hash_password("pässword").unwrap(), "the salt is random");
    }

    #[test]
    fn nobody_and_nonsense_never_verify() {
        assert!(!verify_password("nobody's password", None));
        assert!(!verify_password("", Some("")));
        assert!(!verify_password("x", Some("$argon2id$v=19$broken")));
    }

    #[test]
    fn an_unknown_user_takes_as_long_as_a_wrong_password() {
        let hash = hash_password("right").unwrap();
        let fastest = |hash: Option<&str>| {
            (0..5)
                .map(|_| {
                    let start = Instant::now();
                    assert!(!verify_password("wrong", hash));
                    start.elapsed()
                })
                .min()
                .unwrap_or(Duration::ZERO)
        };
        verify_password("warm", None);
        let (known, unknown) = (fastest(Some(&hash)), fastest(None));
        assert!(unknown * 2 > known && known * 2 > unknown, "known {known:?}, unknown {unknown:?}");
    }
}
