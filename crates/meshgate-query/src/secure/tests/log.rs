//! 34: what the log is told of a failure below a barrier.

use std::{fmt, sync::Mutex};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use super::*;

/// Notes every field of every event.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<String>>);

impl Subscriber for Notes {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        attributes.record(&mut Line(&mut self.0.lock().unwrap()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.0.lock().unwrap()));
    }

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target().starts_with("meshgate") {
            event.record(&mut Line(&mut self.0.lock().unwrap()));
            self.0.lock().unwrap().push('\n');
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        *self.0 += &format!("{field}={value:?} ");
    }
}

#[tokio::test]
async fn it_keeps_the_kind_and_no_value() {
    let notes = Notes::default();
    let _guard = tracing::subscriber::set_default(notes.clone());
    for failing in closed::Failing::ALL {
        let context = Setup::new(1).context(Arc::new(failing), east());
        run(&context, "SELECT count(*) FROM items").await.unwrap_err();
    }
    let raw = RawTable { declared: declared(None), provider: Mesh::One.table(1) };
    let refused = masked().rows("CAST(note AS int) = 1 AND region = principal.region").build();
    Setup::new(1).guard().govern(raw, refused).unwrap_err();
    let notes = notes.0.lock().unwrap().clone();
    assert!(!notes.contains(CANARY) && !notes.contains("EAST"), "{notes}");
    for line in [
        "message=error below a security barrier kind=\"internal\" operator=\"planning\" table=sales.orders.items query_id=q-1",
        "message=panic below a security barrier kind=\"panic\"",
        "policy=east-desk",
        "why=a cast to Int32 could fail on a row; use `try_cast`, or another form",
    ] {
        assert!(notes.contains(line), "{line}: {notes}");
    }
}
