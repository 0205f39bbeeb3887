use meshgate_catalog::{AttributeValue, User, UserDirectory};

use super::*;
use crate::testing::{flights, text};

fn attributes() -> AttributeTypes {
    let user = User {
        name: "desk".into(),
        password_hash: None,
        groups: Default::default(),
        roles: Default::default(),
        attributes: [
            ("station".to_owned(), text("JFK")),
            ("level".to_owned(), AttributeValue::Integer(1)),
            ("contractor".to_owned(), AttributeValue::Boolean(true)),
            ("regions".to_owned(), AttributeValue::Strings(Default::default())),
        ]
        .into(),
    };
    let users: UserDirectory = [user].into_iter().collect();
    AttributeTypes::collect(Some(&users), &mut Vec::new())
}

fn verdict(sql: &str) -> String {
    let checked = RowFilter::parse(sql).and_then(|filter| filter.check_table(&flights(), &attributes()));
    match checked {
        Ok(()) => "fine".into(),
        Err(RowFilterError { message, hint }) => format!("{message}; {}", hint.unwrap_or_default()),
    }
}

#[test]
fn total_filters_pass() {
    for sql in [
        "origin = principal.station",
        "ORIGIN = PRINCIPAL.station",
        "origin IN (principal.regions) OR origin NOT IN ('JFK', principal.station, principal.regions)",
        "left(origin, 1) = 'J' AND length(right(carrier, 2)) > 1",
        "\"Gate\" LIKE 'B%' AND NOT (carrier IN ('AA', 'UA') OR dep_delay BETWEEN -10 AND 1.5)",
        "cancelled",
        "cancelled IS NOT TRUE",
        "tailnum IS NULL OR dep_delay >= principal.level",
        "time_hour >= DATE '2013-02-28' AND time_hour < TIMESTAMP '2013-12-31 23:59:59'",
        "time_hour >= '2013-01-01' AND '2013-12-31T00:00:00' > time_hour",
        "try_cast(tailnum AS INT) > 3",
        "try_cast(dep_delay AS VARCHAR) = '5'",
        "CASE WHEN cancelled THEN origin ELSE carrier END = 'x'",
        "coalesce(origin, carrier, 'none') = lower(trim(BOTH ' ' FROM tailnum))",
        "origin IS NOT DISTINCT FROM principal.station",
        "principal.contractor = false AND true",
        "\"odd.name\" = 'x'",
        "starts_with(origin, principal.station) = cancelled",
        "crew IS NOT NULL",
        "NULL",
    ] {
        assert_eq!(verdict(sql), "fine", "{sql}");
    }
}

#[test]
fn whatever_can_fail_is_refused() {
    for sql in [
        "CAST(origin AS INT) = 1",
        "origin::int = 1",
        "dep_delay / 2 > 1",
        "dep_delay % 2 = 1",
        "dep_delay + 1 > 1",
        "-dep_delay > 1",
        "dep_delay * dep_delay > 1",
        "origin > 5",
        "dep_delay = principal.station",
        "dep_delay = principal.contractor",
        "origin IN ('a', 5)",
        "dep_delay BETWEEN 1 AND 'x'",
        "time_hour > principal.station",
        "time_hour > '2013-02-29'",
        "time_hour > DATE '0001-01-01'",
        "try_cast(time_hour AS VARCHAR) = '2013-01-01'",
        "time_hour > 'yesterday'",
        "time_hour > '2013-01-01 24:00:00'",
        "time_hour > INTERVAL '1 day'",
        "regexp_like(origin, '(')",
        "substr(origin, -1, -1) = 'x'",
        "origin SIMILAR TO '('",
        "origin ~ '('",
        "origin = principal.Station",
        "origin = ANY(principal.regions)",
        "array_has(principal.regions, origin)",
        "dep_delay IN (principal.regions)",
        "origin IN (carrier)",
        "left(origin, dep_delay) = 'x'",
        "left(origin, -1) = 'x'",
        "origin || carrier = 'x'",
        "CASE origin WHEN 'JFK' THEN cancelled END",
        "origin LIKE carrier",
        "origin LIKE principal.station",
        "origin LIKE 'a\\'",
        "origin LIKE 'a!%' ESCAPE '!'",
        "EXTRACT(YEAR FROM time_hour) = 2013",
        "time_hour AT TIME ZONE 'Mars/Base' > '2013-01-01'",
        "origin = (SELECT 'JFK')",
        "EXISTS (SELECT 1)",
        "origin IN (SELECT 'JFK')",
        "count(*) > 1",
        "count(*) OVER () > 1",
        "lower(DISTINCT origin) = 'x'",
        "lower(origin) FILTER (WHERE true) = 'x'",
        "lower(origin, 'x') = 'x'",
        "lower() = 'x'",
        "random() < 0.5",
        "now() > time_hour",
        "stops[1] = 'EWR'",
        "crew.name = 'x'",
        "crew['name'] = 'x'",
        "crew = crew",
        "stops = stops",
        "origin = principal.regions",
        "flights.origin = 'x'",
        "operations.departures.flights.origin = 'x'",
        "origin = $1",
        "origin = ?",
        "origin = 1e999",
        "dep_delay > 1e999",
        "x'00' = origin",
        "origin",
        "'true'",
        "1",
        "dep_delay",
        "origin = 'a' AND dep_delay",
        "NOT origin",
        "*",
        "origin = 'x' OR 1 = 1 --",
        "origin = 'x' /* always */",
        "origin = 'x'; DROP TABLE flights",
        "origin = 'x') OR (true",
        "origin =",
        "",
        "(origin = 'x'",
        "origin = 'x' AS y",
    ] {
        assert_ne!(verdict(sql), "fine", "{sql}");
    }
}

#[test]
fn refusals_say_what_to_do() {
    let verdicts: Vec<String> = [
        "CAST(origin AS INT) = 1",
        "dep_delay / 2 > 1",
        "orgin = 'x'",
        "gate = 'B'",
        "origin = principal.statoin",
        "origin > 5",
        "origin = principal.regions",
        "lowr(origin) = 'x'",
        "sha256(origin) = 'x'",
        "origin = 'x' -- mine",
        "origin = 'x' origin",
        "time_hour > '2013-02-29'",
        "dep_delay",
    ]
    .iter()
    .map(|sql| format!("{sql}\n    {}", verdict(sql)))
    .collect();
    insta::assert_snapshot!(verdicts.join("\n"), @r#"
        CAST(origin AS INT) = 1
            `CAST(origin AS INT)` can fail on a row, and its error would tell what the row holds; use `try_cast(… AS …)`, which is NULL instead
        dep_delay / 2 > 1
            `dep_delay / 2` can fail on a row (overflow, division by zero), and so tell what it holds; compare columns with literals and attributes, without arithmetic
        orgin = 'x'
            the row filter speaks of the unknown column `orgin`; did you mean `origin`?
        gate = 'B'
            the row filter speaks of the unknown column `gate`; did you mean `"Gate"`, in double quotes?
        origin = principal.statoin
            the row filter speaks of `principal.statoin`, an attribute that no user has; did you mean `principal.station`?
        origin > 5
            `origin` is text and `5` is a number: comparing them takes a cast, which can fail on a row; compare values of one type, or use `try_cast(… AS …)`
        origin = principal.regions
            `principal.regions` is a list where the row filter needs text; a list stands in `… IN (principal.<list>)`
        lowr(origin) = 'x'
            `lowr` is no function that a row filter may use; did you mean `lower`?
        sha256(origin) = 'x'
            `sha256` is no function that a row filter may use; those that have an answer for every row are lower, upper, btrim, ltrim, rtrim, left, right, length, char_length, character_length, starts_with, ends_with, coalesce, trim
        origin = 'x' -- mine
            a row filter can't hold a comment; write it beside the policy, after `//`
        origin = 'x' origin
            the row filter does not parse: nothing can follow the condition, found `origin`; write one SQL condition, for instance `origin = principal.station`
        time_hour > '2013-02-29'
            `2013-02-29` is no date or timestamp; write `2013-01-31` or `2013-01-31 23:59:59`
        dep_delay
            `dep_delay` is a number where the row filter needs a condition; compare it with something
        "#);
}

#[test]
fn long_and_deep_filters_are_refused_without_overflow() {
    let long = vec!["cancelled"; 290].join(" AND ");
    assert_eq!(verdict(&long), "fine");
    assert!(verdict(&vec!["cancelled"; 3000].join(" OR ")).contains("bytes"));
    let deep = format!("{}cancelled{}", "(".repeat(1000), ")".repeat(1000));
    assert!(verdict(&deep).contains("does not parse"), "{}", verdict(&deep));
    let not = format!("{}cancelled", "NOT ".repeat(900));
    assert_ne!(verdict(&not), "");
}

#[test]
fn names_are_collected() {
    let filter = RowFilter::parse("Origin = principal.station AND (\"Gate\" = 'x' OR principal.level > 1)").unwrap();
    assert_eq!(filter.columns().iter().collect::<Vec<_>>(), ["Gate", "origin"]);
    assert_eq!(filter.attributes().iter().collect::<Vec<_>>(), ["level", "station"]);
}
