//! Failures in gRPC's terms. Drivers map the codes one to one, so the class is as much a part of the answer as the
//! words.

use std::panic::AssertUnwindSafe;

use datafusion::arrow::error::ArrowError;
use futures::FutureExt;
use meshgate_query::{Code, QueryError};
use tonic::Status;

/// gRPC sends the message as a trailing header, and clients (Java's, Go's) take some 8 KiB of headers: a longer
/// text would replace the error by one about headers.
const LONGEST_MESSAGE: usize = 2_000;

/// What the caller is told about a failed query.
pub(crate) fn query_status(error: &QueryError, query_id: Option<&str>) -> Status {
    let code = match error.code() {
        Code::InvalidArgument => tonic::Code::InvalidArgument,
        Code::NotFound => tonic::Code::NotFound,
        Code::PermissionDenied => tonic::Code::PermissionDenied,
        Code::Unimplemented => tonic::Code::Unimplemented,
        Code::ResourceExhausted => tonic::Code::ResourceExhausted,
        Code::Unavailable => tonic::Code::Unavailable,
        Code::Cancelled => tonic::Code::Cancelled,
        Code::DeadlineExceeded => tonic::Code::DeadlineExceeded,
        Code::Internal => tonic::Code::Internal,
    };
    let message = shortened(&error.to_string());
    match query_id {
        Some(id) if !message.contains(id) => Status::new(code, format!("{message} (query {id})")),
        _ => Status::new(code, message),
    }
}

/// A fault of the gateway: the caller learns that it happened, the log learns which.
pub(crate) fn internal(what: &'static str) -> Status {
    tracing::error!(what, "internal error at the Flight SQL endpoint");
    Status::internal("internal error; ask the platform team, naming the time")
}

/// A failure of Arrow's own encoding, which no caller can bring about.
pub(crate) fn encoding(_: ArrowError) -> Status {
    internal("an answer could not be encoded")
}

/// The answer to what the gateway does not offer.
pub(crate) fn not_offered(what: impl std::fmt::Display, remedy: &str) -> Status {
    Status::unimplemented(shortened(&format!("{what} is not offered; {remedy}")))
}

/// A panic in one call must not take the connection's other calls with it.
pub(crate) async fn guarded<T>(call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    AssertUnwindSafe(call).catch_unwind().await.unwrap_or_else(|_| Err(internal("a call panicked")))
}

fn shortened(message: &str) -> String {
    if message.len() <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let end = (0..=LONGEST_MESSAGE).rev().find(|end| message.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &message[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_keeps_its_code_and_its_words() {
        let denied = query_status(&QueryError::Denied("access denied to column `a.b.c.d`".to_owned()), Some("q-1"));
        assert_eq!(denied.code(), tonic::Code::PermissionDenied);
        assert_eq!(denied.message(), "access denied to column `a.b.c.d` (query q-1)");
        for (error, code) in [
            (QueryError::Invalid("x".to_owned()), tonic::Code::InvalidArgument),
            (QueryError::NotFound("x".to_owned()), tonic::Code::NotFound),
            (QueryError::Unsupported("x".to_owned()), tonic::Code::Unimplemented),
            (QueryError::ResourcesExhausted("x".to_owned()), tonic::Code::ResourceExhausted),
            (QueryError::Cancelled, tonic::Code::Cancelled),
            (QueryError::DeadlineExceeded, tonic::Code::DeadlineExceeded),
            (QueryError::Internal, tonic::Code::Internal),
        ] {
            assert_eq!(query_status(&error, None).code(), code);
        }
    }

    #[test]
    fn a_long_message_fits_into_a_header() {
        let status = query_status(&QueryError::Invalid("ü".repeat(10_000)), Some("q-1"));
        assert!(status.message().len() < LONGEST_MESSAGE + 50);
        assert!(status.message().ends_with("… (query q-1)"));
    }

    #[tokio::test]
    async fn a_panic_becomes_an_internal_error() {
        let status = guarded::<()>(async { panic!("secret") }).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Internal);
        assert!(!status.message().contains("secret"));
    }
}
