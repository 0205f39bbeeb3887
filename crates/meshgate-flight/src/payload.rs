//! The messages of `proto/`, and their way from and to the engine's types.

use std::collections::BTreeMap;

use meshgate_catalog::TableName;
use meshgate_query::{PreparedQuery, QueryRequest, SessionSettings};
use tonic::Status;

#[allow(missing_docs, unreachable_pub, clippy::all)]
mod generated {
    pub(crate) mod meshgate {
        include!(concat!(env!("OUT_DIR"), "/meshgate.v1.rs"));
    }
    pub(crate) mod flight {
        include!(concat!(env!("OUT_DIR"), "/meshgate.flight.v1.rs"));
    }
}

pub(crate) use generated::{
    flight::{
        CloseSessionRequest, CloseSessionResult, CreatePreparedStatementResult, GetSessionOptionsRequest,
        GetSessionOptionsResult, SessionOptionValue, SetSessionOptionsRequest, SetSessionOptionsResult,
        close_session_result, session_option_value::OptionValue, set_session_options_result,
    },
    meshgate::{BearerToken, PinnedTable, PreparedStatement, Session, SessionCookie, Statement},
};

/// A payload that travels sealed.
pub(crate) trait Sealed: prost::Message + Default {
    /// Keeps one kind from posing as another.
    const LABEL: &'static [u8];
    /// Its name for a person.
    const WHAT: &'static str;
    /// What to do when it does not open.
    const REMEDY: &'static str;

    /// Seconds since 1970-01-01 UTC.
    fn expires_at(&self) -> i64;
}

macro_rules! sealed {
    ($payload:ty, $label:literal, $what:literal, $remedy:literal) => {
        impl Sealed for $payload {
            const LABEL: &'static [u8] = $label;
            const WHAT: &'static str = $what;
            const REMEDY: &'static str = $remedy;

            fn expires_at(&self) -> i64 {
                self.expires_at
            }
        }
    };
}

sealed!(BearerToken, b"meshgate bearer token", "bearer token", "log in again");
sealed!(SessionCookie, b"meshgate session cookie", "session cookie", "open the session again");
sealed!(Statement, b"meshgate ticket", "ticket", "run the query again");
sealed!(PreparedStatement, b"meshgate prepared statement", "prepared statement", "prepare it again");

impl From<&SessionSettings> for Session {
    fn from(settings: &SessionSettings) -> Self {
        Self {
            catalog: settings.catalog.clone(),
            schema: settings.schema.clone(),
            strict_star: settings.strict_star,
            deterministic: settings.deterministic,
        }
    }
}

impl From<Session> for SessionSettings {
    fn from(session: Session) -> Self {
        Self {
            catalog: session.catalog,
            schema: session.schema,
            strict_star: session.strict_star,
            deterministic: session.deterministic,
        }
    }
}

impl Statement {
    /// The statement as the engine takes it, without parameters.
    pub(crate) fn request(&self) -> Result<QueryRequest, Status> {
        let mut pinned = BTreeMap::new();
        for table in &self.pinned {
            let version = serde_json::from_str(&table.version).map_err(|_| {
                Status::unauthenticated("the ticket is of another version of the gateway; run the query again")
            })?;
            pinned.insert(TableName::new(&table.domain, &table.product, &table.table), version);
        }
        Ok(QueryRequest {
            sql: self.sql.clone(),
            parameters: Vec::new(),
            session: self.session.clone().unwrap_or_default().into(),
            pinned,
            deadline: None,
        })
    }
}

/// The table versions that a statement was planned for, ready for a ticket.
pub(crate) fn pinned_tables(prepared: &PreparedQuery) -> Result<Vec<PinnedTable>, Status> {
    let pin = |(table, version): (&TableName, _)| {
        Ok(PinnedTable {
            domain: table.domain.clone(),
            product: table.product.clone(),
            table: table.table.clone(),
            version: serde_json::to_string(version)
                .map_err(|_| Status::internal("a table version does not serialize"))?,
        })
    };
    prepared.pinned.iter().map(pin).collect()
}
