//! Sessions: what a caller sets travels with the caller, sealed in a cookie and in the bearer token (some drivers
//! keep no cookies), so that any gateway knows it and none has to remember it.

use meshgate_query::{ListingFilter, QueryEngine, SessionSettings};
use tonic::Status;

use crate::{
    identity::Caller,
    metadata::literal_pattern,
    payload::{
        GetSessionOptionsResult, OptionValue, SessionOptionValue, SetSessionOptionsRequest, SetSessionOptionsResult,
        set_session_options_result::{Error, ErrorValue},
    },
    status::query_status,
};

const CATALOG: &str = "catalog";
const SCHEMA: &str = "schema";
const STRICT_STAR: &str = "strict_star";
const DETERMINISTIC: &str = "deterministic";

/// Sets what can be set, in the caller; names the rest in the answer.
pub(crate) async fn set_options(
    engine: &QueryEngine,
    caller: &mut Caller,
    request: SetSessionOptionsRequest,
) -> Result<SetSessionOptionsResult, Status> {
    let mut result = SetSessionOptionsResult::default();
    let mut refuse = |name: &str, why: ErrorValue| {
        result.errors.insert(name.to_owned(), Error { value: why as i32 });
    };
    // A schema stands in its catalog: the catalog comes first.
    let mut options: Vec<_> = request.session_options.into_iter().collect();
    options.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (name, value) in options {
        match set_option(&caller.settings, &name, value.option_value) {
            Ok(settings) if exists(engine, caller, &name, &settings).await? => caller.settings = settings,
            Ok(_) => refuse(&name, ErrorValue::InvalidValue),
            Err(why) => refuse(&name, why),
        }
    }
    Ok(result)
}

/// The settings with that option.
fn set_option(
    settings: &SessionSettings,
    name: &str,
    value: Option<OptionValue>,
) -> Result<SessionSettings, ErrorValue> {
    let mut settings = settings.clone();
    match name {
        CATALOG => settings.catalog = text(value)?,
        SCHEMA => settings.schema = text(value)?,
        STRICT_STAR => settings.strict_star = switch(value)?,
        DETERMINISTIC => settings.deterministic = switch(value)?,
        _ => return Err(ErrorValue::InvalidName),
    }
    Ok(settings)
}

fn text(value: Option<OptionValue>) -> Result<Option<String>, ErrorValue> {
    match value {
        None => Ok(None),
        Some(OptionValue::StringValue(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(ErrorValue::InvalidValue),
    }
}

fn switch(value: Option<OptionValue>) -> Result<bool, ErrorValue> {
    match value {
        None => Ok(false),
        Some(OptionValue::BoolValue(on)) => Ok(on),
        Some(OptionValue::StringValue(text)) => text.to_lowercase().parse().map_err(|_| ErrorValue::InvalidValue),
        Some(_) => Err(ErrorValue::InvalidValue),
    }
}

/// Whether the caller sees the catalog or schema that was just set; a name that nobody has would fail each query
/// instead of the one call that is wrong.
async fn exists(engine: &QueryEngine, caller: &Caller, name: &str, settings: &SessionSettings) -> Result<bool, Status> {
    let is_set = match name {
        CATALOG => settings.catalog.is_some(),
        SCHEMA => settings.schema.is_some(),
        _ => false,
    };
    if !is_set {
        return Ok(true);
    }
    let filter = ListingFilter {
        catalog: settings.catalog.clone(),
        schema_pattern: settings.schema.as_deref().filter(|_| name == SCHEMA).map(literal_pattern),
        ..ListingFilter::default()
    };
    let listing = engine.list(&caller.principal, &filter).await.map_err(|error| query_status(&error, None))?;
    Ok(!listing.tables.is_empty())
}

/// What is set.
pub(crate) fn get_options(settings: &SessionSettings) -> GetSessionOptionsResult {
    let text = |value: &Option<String>| value.clone().map(OptionValue::StringValue);
    let options = [
        (CATALOG, text(&settings.catalog)),
        (SCHEMA, text(&settings.schema)),
        (STRICT_STAR, Some(OptionValue::BoolValue(settings.strict_star))),
        (DETERMINISTIC, Some(OptionValue::BoolValue(settings.deterministic))),
    ];
    let set = options.into_iter().filter(|(_, value)| value.is_some());
    GetSessionOptionsResult {
        session_options: set
            .map(|(name, option_value)| (name.to_owned(), SessionOptionValue { option_value }))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: Option<OptionValue>) -> Result<SessionSettings, ErrorValue> {
        let settings = SessionSettings { catalog: Some("fleet".to_owned()), ..SessionSettings::default() };
        set_option(&settings, name, value)
    }

    #[test]
    fn options_are_set_and_unset() {
        let text = |text: &str| Some(OptionValue::StringValue(text.to_owned()));
        assert_eq!(set("catalog", text("weather")).unwrap().catalog.as_deref(), Some("weather"));
        assert_eq!(set("catalog", None).unwrap().catalog, None);
        assert_eq!(set("catalog", text("")).unwrap().catalog, None);
        assert!(set("strict_star", text("True")).unwrap().strict_star);
        assert!(set("deterministic", Some(OptionValue::BoolValue(true))).unwrap().deterministic);
        assert_eq!(set("colour", None).unwrap_err(), ErrorValue::InvalidName);
        assert_eq!(set("catalog", Some(OptionValue::BoolValue(true))).unwrap_err(), ErrorValue::InvalidValue);
        assert_eq!(set("strict_star", text("maybe")).unwrap_err(), ErrorValue::InvalidValue);
    }

    #[test]
    fn what_is_set_is_told() {
        let told = get_options(&set("strict_star", Some(OptionValue::BoolValue(true))).unwrap()).session_options;
        assert_eq!(told["catalog"].option_value, Some(OptionValue::StringValue("fleet".to_owned())));
        assert_eq!(told["strict_star"].option_value, Some(OptionValue::BoolValue(true)));
        assert!(!told.contains_key("schema"));
    }
}
