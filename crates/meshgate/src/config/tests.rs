use super::*;

fn parse(text: &str) -> Result<Settings, Error> {
    Settings::parse(Path::new("etc/meshgate.yaml"), text, &|name| match name {
        "SEAL" => Some("seal-from-the-environment".to_owned()),
        "EMPTY" => Some(" ".to_owned()),
        _ => None,
    })
}

fn message(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn the_smallest_file_takes_every_default() {
    let settings = parse("catalog: mesh\n").unwrap();
    assert_eq!(settings.catalog, Path::new("etc/mesh"));
    assert_eq!(settings.listen, DEFAULT_LISTEN);
    assert!(settings.listen.ip().is_loopback());
    assert!(settings.watch_catalog);
    assert!(!settings.insecure_listen_beyond_loopback);
    assert_eq!(settings.seal_secret, None);
}

#[test]
fn secrets_come_from_the_environment() {
    let settings = parse("catalog: mesh\nseal_secret: ${SEAL}\n").unwrap();
    assert_eq!(settings.seal_secret.as_deref(), Some("seal-from-the-environment"));
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    insta::assert_snapshot!(message("catalog: mesh\nlisten_adress: 1\n"), @"etc/meshgate.yaml:2:1: unknown field `listen_adress`, expected one of listen, insecure_listen_beyond_loopback, catalog, watch_catalog, users, seal_secret, seal_secret_file, mask_key, mask_key_file, token_lifetime, ticket_lifetime, engine, tables, s3, log");
    insta::assert_snapshot!(message("catalog: mesh\nlog: {format: xml}\n"), @"etc/meshgate.yaml:2:15: unknown variant `xml`, expected one of text, json");
    insta::assert_snapshot!(message("listen: 127.0.0.1:1\n"), @"etc/meshgate.yaml:1:1: missing field `catalog`");
    insta::assert_snapshot!(message("catalog: mesh\nlisten: localhost\n"), @"etc/meshgate.yaml:2:9: `localhost` is no address to listen on; write an IP address and a port, for instance `127.0.0.1:32010`");
    insta::assert_snapshot!(message("catalog: mesh\nseal_secret: hunter2\n"), @"etc/meshgate.yaml:2:14: a secret does not stand in the configuration; write `${VAR}` and set that environment variable");
    insta::assert_snapshot!(message("catalog: mesh\nseal_secret: ${NOT_SET}\n"), @"etc/meshgate.yaml:2:14: the environment variable `NOT_SET` is not set");
    insta::assert_snapshot!(message("catalog: mesh\nseal_secret: ${EMPTY}\n"), @"etc/meshgate.yaml:2:14: the environment variable `EMPTY` is empty");
    insta::assert_snapshot!(message("catalog: ${HOME}/mesh\n"), @"etc/meshgate.yaml:1:10: `${…}` stands for a secret alone; write the path out");
    insta::assert_snapshot!(message("catalog: mesh\nengine:\n  memory_limit: 4GB\n"), @"etc/meshgate.yaml:3:17: `4GB` is no amount of memory; write for instance `512MiB` or `4GiB`");
    insta::assert_snapshot!(message("catalog: mesh\nengine:\n  partitions: 0\n"), @"etc/meshgate.yaml:3:15: `0` is too few; leave the setting out for its default");
    insta::assert_snapshot!(message("catalog: mesh\ntoken_lifetime: forever\n"), @"etc/meshgate.yaml:2:17: `forever` is no duration; write for instance `90s`, `30m`, `12h` or `7d`");
    insta::assert_snapshot!(message("catalog: mesh\nmask_key: ${SEAL}\nmask_key_file: key\n"), @"etc/meshgate.yaml:3:16: both the secret and its file are given; keep one");
    insta::assert_snapshot!(message("catalog: [unclosed\n"), @"etc/meshgate.yaml:1:10: expected string scalar");
}

#[test]
fn a_secret_never_shows_in_an_error() {
    let text = "catalog: mesh\ns3:\n  sales: {access_key_id: AKIAVERYSECRET, secret_access_key: x}\n";
    assert!(!message(text).contains("AKIAVERYSECRET"));
}

#[test]
fn the_example_loads_as_it_stands() {
    let (path, example) = example();
    let settings = Settings::parse(&path, &example, &|_| None).unwrap();
    let defaults = Settings::of_catalog(&settings.catalog);
    assert_eq!(format!("{settings:?}"), format!("{defaults:?}"), "it changes nothing but the catalog");
}

#[test]
fn the_example_names_every_setting() {
    let (path, example) = example();
    let complete: String = example.lines().map(|line| format!("{}\n", uncommented(line))).collect();
    let settings = Settings::parse(&path, &complete, &|_| Some("a-secret-of-the-environment".to_owned())).unwrap();
    assert_eq!(settings.engine.memory_limit, Some(4 << 30));
    assert_eq!(settings.lake.s3["sales"].session_token.as_deref(), Some("a-secret-of-the-environment"));
    for section in ["", "engine", "tables", "s3.sales", "log"] {
        for setting in known_settings(section) {
            let stands = example
                .lines()
                .any(|line| line.trim_start().trim_start_matches('#').trim_start().starts_with(&format!("{setting}:")));
            assert!(stands, "`{setting}` of `{section}` is missing in {}", path.display());
        }
    }
}

fn example() -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/meshgate.yaml");
    let text = fs::read_to_string(&path).unwrap();
    (path, text)
}

/// A setting that is commented out, in force; a secret's file is left out, since the secret itself is given.
fn uncommented(line: &str) -> String {
    let indent = &line[..line.len() - line.trim_start().len()];
    let Some(setting) = line.trim_start().strip_prefix("# ") else { return line.to_owned() };
    let name: String = setting.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let is_setting = !name.is_empty() && setting.trim_start()[name.len()..].starts_with(':');
    if is_setting && !name.ends_with("_file") { format!("{indent}{setting}") } else { String::new() }
}

/// The settings of a section, as the reader itself lists them when it meets an unknown one.
fn known_settings(section: &str) -> Vec<String> {
    let text = match section {
        "" => "no_such: 1\n".to_owned(),
        "s3.sales" => "catalog: mesh\ns3: {sales: {no_such: 1}}\n".to_owned(),
        section => format!("catalog: mesh\n{section}: {{no_such: 1}}\n"),
    };
    let message = message(&text);
    let (_, names) = message.split_once("expected one of ").unwrap_or_else(|| panic!("{message}"));
    names.split(", ").map(str::to_owned).collect()
}
