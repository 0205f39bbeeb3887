//! What lint prints.

use crate::testing::{TestMesh, principal, text};

fn governance(text: &str) -> String {
    TestMesh::new().governance(text).findings()
}

fn operations(text: &str) -> String {
    TestMesh::new().domain("operations", text).findings()
}

#[test]
fn syntax() {
    insta::assert_snapshot!(governance("permit (principal, action, resource)\nwhen { resource.classification = \"public\" };"), @"");
    insta::assert_snapshot!(governance("// nothing but this\n\nallow (principal, action, resource);"), @"");
    insta::assert_snapshot!(governance("permit (principal, action, resource);\n\npermit (principal, action, resource"), @"");
    insta::assert_snapshot!(governance(""), @"");
}

#[test]
fn unknown_words_of_the_model() {
    insta::assert_snapshot!(governance("permit (\n  principal in Grup::\"analysts\",\n  action,\n  resource\n);"), @"");
    insta::assert_snapshot!(governance("permit (principal, action == Action::\"selct\", resource);"), @"");
    insta::assert_snapshot!(governance("@id(\"typo\")\nforbid (principal, action == Action::\"select\", resource)\nwhen { resource.clasification == \"restricted\" };"), @"");
    insta::assert_snapshot!(governance("@id(\"desk\")\npermit (principal, action, resource)\nwhen { principal has statoin && principal.statoin == \"JFK\" };"), @"");
    insta::assert_snapshot!(governance("@id(\"desk\")\npermit (principal, action, resource)\nwhen { principal.station == \"JFK\" };"), @"");
    insta::assert_snapshot!(governance("@id(\"desk\")\npermit (principal, action, resource)\nwhen { principal has station && principal.station == 3 };"), @"");
    insta::assert_snapshot!(governance("@id(\"why\")\npermit (principal, action, resource)\nwhen { context.purpos == \"audit\" };"), @"");
}

#[test]
fn unknown_entities() {
    insta::assert_snapshot!(governance("@id(\"t\")\npermit (principal, action, resource in Table::\"operations.departures.flight\");"), @"");
    insta::assert_snapshot!(governance("@id(\"c\")\nforbid (principal, action == Action::\"select\", resource)\nwhen { resource == Column::\"operations.departures.flights.tail_num\" };"), @"");
    insta::assert_snapshot!(governance("@id(\"d\")\npermit (principal, action, resource in Domain::\"zebra\");"), @"");
    insta::assert_snapshot!(governance("@id(\"g\")\npermit (principal in Group::\"analyst\", action, resource);"), @"");
    insta::assert_snapshot!(governance("@id(\"r\")\npermit (principal in Role::\"restricted_readers\", action, resource);"), @"");
}

#[test]
fn levels_and_tags() {
    insta::assert_snapshot!(governance("@id(\"level\")\nforbid (principal, action == Action::\"select\", resource)\nwhen { [\"restrcted\", \"confidential\"].contains(resource.classification) };"), @"");
    insta::assert_snapshot!(governance("@id(\"tag\")\nforbid (principal, action == Action::\"select\", resource)\nwhen { resource.tags.contains(\"aircraft-identy\") };"), @"");
}

#[test]
fn ids_and_annotations() {
    insta::assert_snapshot!(governance("@id(\"one\")\npermit (principal, action, resource);\n@id(\"one\")\nforbid (principal, action, resource);"), @"");
    insta::assert_snapshot!(
        TestMesh::new()
            .domain("operations", "@id(\"one\") permit (principal, action, resource in Domain::\"operations\");")
            .domain("operations", "\n@id(\"one\") permit (principal, action, resource in Domain::\"operations\");")
            .domain("fleet", "@id(\"one\") permit (principal, action, resource in Domain::\"fleet\");")
            .findings(),
        @""
    );
    insta::assert_snapshot!(operations("@id(\"\")\npermit (principal, action, resource in Domain::\"operations\");"), @"");
    insta::assert_snapshot!(operations("@id(\"rows\") @rowfilter(\"origin = 'JFK'\")\npermit (principal, action == Action::\"read_rows\", resource in Domain::\"operations\");"), @"");
}

#[test]
fn masks() {
    let masked = |annotation: &str, scope: &str| {
        operations(&format!(
            "@id(\"m\") {annotation}\npermit (principal, action == Action::\"select_masked\", {scope});"
        ))
    };
    let domain = "resource in Domain::\"operations\"";
    insta::assert_snapshot!(masked("@mask(\"sha-256-globl\")", domain), @"");
    insta::assert_snapshot!(masked("@mask(\"rot13\")", domain), @"");
    insta::assert_snapshot!(masked("", domain), @"");
    insta::assert_snapshot!(masked("@mask(\"truncate-to-year\")", "resource == Column::\"operations.departures.flights.tailnum\""), @"");
    insta::assert_snapshot!(masked("@mask(\"truncate-to-year\")", "resource in Table::\"operations.departures.flights\""), @"");
    insta::assert_snapshot!(operations("@id(\"m\") @mask(\"replace-with-null\")\npermit (principal, action == Action::\"select\", resource in Domain::\"operations\");"), @"");
    insta::assert_snapshot!(operations("@id(\"m\") @mask(\"replace-with-null\")\nforbid (principal, action == Action::\"select_masked\", resource in Domain::\"operations\");"), @"");
    insta::assert_snapshot!(
        TestMesh::new()
            .domain("fleet", "@id(\"m\") @mask(\"truncate-to-year\")\npermit (principal, action == Action::\"select_masked\", resource in Table::\"fleet.aircraft.planes\");")
            .findings(),
        @""
    );
}

#[test]
fn row_filters() {
    let filtered = |filter: &str| {
        operations(&format!(
            "@id(\"rows\")\n@row_filter(\"{filter}\")\npermit (principal, action == Action::\"read_rows\", resource in Domain::\"operations\");"
        ))
    };
    insta::assert_snapshot!(filtered("orgin = 'JFK'"), @"");
    insta::assert_snapshot!(filtered("origin = principal.staton"), @"");
    insta::assert_snapshot!(filtered("cast(tailnum as int) > 0"), @"");
    insta::assert_snapshot!(filtered("dep_delay / 0 > 1"), @"");
    insta::assert_snapshot!(filtered("origin ="), @"");
    insta::assert_snapshot!(filtered("dep_delay = principal.station"), @"");
    insta::assert_snapshot!(operations("@id(\"rows\") @row_filter(\"origin = 'JFK'\")\npermit (principal, action in [Action::\"select\", Action::\"read_rows\"], resource in Domain::\"operations\");"), @"");
    insta::assert_snapshot!(governance("@id(\"rows\") @row_filter(\"origin = 'JFK'\")\npermit (principal, action == Action::\"read_rows\", resource);"), @"");
}

#[test]
fn domains() {
    insta::assert_snapshot!(operations("@id(\"grab\")\npermit (\n  principal,\n  action,\n  resource in Domain::\"fleet\"\n);"), @"");
    insta::assert_snapshot!(operations("@id(\"all\")\npermit (principal, action, resource);"), @"");
    insta::assert_snapshot!(operations("@id(\"is\")\npermit (principal, action == Action::\"select\", resource is Column);"), @"");
}

#[test]
fn templates_and_what_can_never_apply() {
    insta::assert_snapshot!(governance("@id(\"t\")\npermit (principal == ?principal, action, resource);"), @"");
    insta::assert_snapshot!(governance("@id(\"never\")\nforbid (principal, action == Action::\"select\", resource == Table::\"operations.departures.flights\");"), @"");
    insta::assert_snapshot!(governance("@id(\"never\")\nforbid (principal, action == Action::\"read_rows\", resource == Column::\"operations.departures.flights.origin\");"), @"");
    insta::assert_snapshot!(governance("@id(\"off\")\npermit (principal, action, resource) when { false };"), @"");
}

#[test]
fn attributes_of_two_types() {
    let mut mesh = TestMesh::new();
    mesh.user(principal("other").with("level", text("high")));
    insta::assert_snapshot!(mesh.findings(), @"");
}

#[test]
fn all_files_are_read_and_findings_sorted() {
    let findings = TestMesh::new()
        .governance("permit (principal, action, resource in Domain::\"operation\");\n\npermit (principal, action == Action::\"read\", resource);")
        .domain("operations", "permit (principal, action, resource);")
        .domain("fleet", "permit (principal, action, resource in Domain::\"operations\");")
        .findings();
    insta::assert_snapshot!(findings, @"");
}

#[test]
fn characters_count_in_columns_and_bytes_in_offsets() {
    let text = "// ä ö ü\n/* é */ permit (principal, action, resource in Domain::\"operation\");"
        .replace("/* é */ ", "@description(\"é\") ");
    let Err(report) = TestMesh::new().governance(&text).compile() else { panic!("accepted") };
    let span = report.diagnostics[0].span.unwrap();
    assert_eq!(&text[span.offset..span.offset + span.length], "Domain::\"operation\"");
    assert_eq!(span.line, 2);
    assert_eq!(span.column, text.lines().nth(1).unwrap().split("Domain").next().unwrap().chars().count() + 1);
}
