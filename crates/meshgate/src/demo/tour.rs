//! The tour: the same questions asked by different users, and why their answers differ.

use std::{io::Write, sync::Arc};

use datafusion::arrow::array::RecordBatch;
use futures::TryStreamExt;
use meshgate_query::TracingSink;

use super::{Demo, content};
use crate::{
    config::Settings,
    embedded::Embedded,
    error::{Error, Result},
    output,
};

/// A question of the tour: a sample that some product publishes.
struct Question {
    title: &'static str,
    sample: &'static str,
    /// Each user, and why they see what they see.
    askers: [(&'static str, &'static str); 4],
}

const QUESTIONS: [Question; 2] = [
    Question {
        title: "Departure delay by the plane's manufacturer and the wind: four domains, Delta and Iceberg, one statement",
        sample: "domains/operations/departures/samples/delays_by_manufacturer_and_wind.sql",
        askers: [
            ("owner", "sees everything"),
            ("analyst", "gets the same numbers: tail numbers are hashed, alike in both domains, so the join works"),
            ("desk", "counts its own station's departures alone: a row filter keeps `origin = principal.station`, JFK"),
            ("newcomer", "has no grants: what they may not discover does not exist"),
        ],
    },
    Question {
        title: "The busiest aircraft: who sees a tail number?",
        sample: "domains/operations/departures/samples/busiest_aircraft.sql",
        askers: [
            ("owner", "holds the role `restricted_reader`: tail numbers in clear"),
            ("analyst", "sees a keyed hash in their place, and may group and join by it"),
            ("desk", "sees hashes too, and of JFK's departures alone"),
            ("newcomer", "is told the same as for a table that was never there"),
        ],
    },
];

const EXPLAINED: &str = "\
EXPLAIN SELECT tailnum, count(*) FROM operations.departures.flights WHERE month = 2 AND dest = 'LAX' GROUP BY tailnum";

/// Asks all questions as all users, and prints the answers.
///
/// # Errors
/// A query that fails, or one that answers a user who has no grants.
pub(crate) async fn tour(demo: &Demo, output: &mut impl Write) -> Result<()> {
    let (embedded, _) = Embedded::open(&Settings::of_catalog(demo.catalog()), Arc::new(TracingSink))?;
    let mut say = |text: String| output.write_all(text.as_bytes()).map_err(Error::io("write the tour"));
    for Question { title, sample, askers } in QUESTIONS {
        let sql = content::catalog_text(sample)?.trim_end();
        say(format!("== {title}\n\n{sql}\n\n"))?;
        for (user, why) in askers {
            say(format!("-- {user} {why}:\n"))?;
            let answer = match (user, ask(&embedded, user, sql).await) {
                ("newcomer", Err(Error::Query { error, .. })) => format!("error: {error}\n"),
                ("newcomer", Ok(_)) => {
                    return Err(Error::Demo("`newcomer` has no grants, and got an answer".to_owned()));
                }
                (_, answer) => answer?,
            };
            say(format!("{answer}\n"))?;
        }
    }
    say(format!("== What the plan tells the desk, and what it does not\n\n{EXPLAINED}\n\n"))?;
    say("-- below the barrier stand the row filter, the mask and the files; the desk is told none of them:\n"
        .to_owned())?;
    say(format!("{}\n", ask(&embedded, "desk", EXPLAINED).await?))
}

/// The answer as a table of text.
async fn ask(embedded: &Embedded, user: &str, sql: &str) -> Result<String> {
    let principal = embedded.principal(user)?;
    let (query_id, rows) = embedded.run(&principal, sql).await?;
    let schema = rows.schema();
    let batches: Vec<RecordBatch> =
        rows.try_collect().await.map_err(|error| Error::Query { error, query_id: Some(query_id) })?;
    Ok(output::table(&schema, &batches)?)
}
