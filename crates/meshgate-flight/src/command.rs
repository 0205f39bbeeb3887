//! Flight SQL's commands out of the bytes of a descriptor, a ticket or an action.

use arrow_flight::{
    FlightDescriptor,
    flight_descriptor::DescriptorType,
    sql::{Any, Command, ProstMessageExt},
};
use bytes::Bytes;
use prost::Message;
use tonic::Status;

/// The command of a descriptor.
pub(crate) fn command_of(descriptor: &FlightDescriptor) -> Result<Command, Status> {
    if descriptor.r#type() != DescriptorType::Cmd {
        return Err(Status::invalid_argument(
            "the flight descriptor holds no command: meshgate speaks Flight SQL, tables are read by SQL statements",
        ));
    }
    command(&descriptor.cmd)
}

/// The command in an `Any`.
pub(crate) fn command(bytes: &Bytes) -> Result<Command, Status> {
    let any = Any::decode(bytes.clone()).ok().filter(|any| !any.type_url.is_empty());
    any.and_then(|any| Command::try_from(any).ok())
        .ok_or_else(|| Status::invalid_argument("the bytes are not a Flight SQL command"))
}

/// The body of an action, which is packed into an `Any`; some clients send it bare.
pub(crate) fn packed<M: ProstMessageExt>(body: &Bytes) -> Result<M, Status> {
    let any = Any::decode(body.clone()).ok().filter(Any::is::<M>);
    let message = match any {
        Some(any) => M::decode(any.value),
        None => M::decode(body.clone()),
    };
    message.map_err(|_| unreadable_body())
}

/// The body of an action of Flight itself, which is bare.
pub(crate) fn bare<M: Message + Default>(body: &Bytes) -> Result<M, Status> {
    M::decode(body.clone()).map_err(|_| unreadable_body())
}

fn unreadable_body() -> Status {
    Status::invalid_argument("the action's body is not the message that its type calls for")
}

#[cfg(test)]
mod tests {
    use arrow_flight::{CancelFlightInfoRequest, sql::ActionCreatePreparedStatementRequest};
    use proptest::prelude::*;

    use super::*;
    use crate::payload::SetSessionOptionsRequest;

    #[test]
    fn a_path_and_garbage_are_told_apart_from_commands() {
        let path = command_of(&FlightDescriptor::new_path(vec!["a".to_owned()])).unwrap_err();
        insta::assert_snapshot!(path.message(), @"the flight descriptor holds no command: meshgate speaks Flight SQL, tables are read by SQL statements");
        let empty = command_of(&FlightDescriptor::new_cmd(Bytes::new())).unwrap_err();
        assert_eq!(empty.code(), tonic::Code::InvalidArgument);
    }

    #[test]
    fn an_action_is_read_packed_and_bare() {
        let request = ActionCreatePreparedStatementRequest { query: "SELECT 1".to_owned(), transaction_id: None };
        let any = Bytes::from(request.as_any().encode_to_vec());
        assert_eq!(packed::<ActionCreatePreparedStatementRequest>(&any).unwrap(), request);
        let raw = Bytes::from(request.encode_to_vec());
        assert_eq!(packed::<ActionCreatePreparedStatementRequest>(&raw).unwrap(), request);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let bytes = Bytes::from(bytes);
            let _ = command(&bytes);
            let _ = packed::<ActionCreatePreparedStatementRequest>(&bytes);
            let _ = bare::<CancelFlightInfoRequest>(&bytes);
            let _ = bare::<SetSessionOptionsRequest>(&bytes);
        }

        #[test]
        fn no_truncated_command_panics(sql in ".{0,40}", keep in 0usize..200) {
            let request = arrow_flight::sql::CommandStatementQuery { query: sql, transaction_id: None };
            let bytes = request.as_any().encode_to_vec();
            let _ = command(&Bytes::copy_from_slice(&bytes[..keep.min(bytes.len())]));
        }
    }
}
