//! `truncate-to-year`, `truncate-to-month`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray},
        datatypes::{
            DataType, Date32Type, Date64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
            TimestampNanosecondType, TimestampSecondType,
        },
    },
    common::{Result, exec_err},
};

/// How much of a date stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Precision {
    Year,
    Month,
}

const SECONDS_A_DAY: i64 = 86_400;

/// Cuts each date or timestamp to the first instant of its year or month in UTC, whatever its zone (so says the
/// standard).
///
/// Total: it is arithmetic on the proleptic Gregorian calendar over the whole range of each type. Where the first
/// instant lies before the type's least value, it is that least value.
pub(super) fn truncate(array: &ArrayRef, precision: Precision) -> Result<ArrayRef> {
    use TimeUnit::*;
    Ok(match array.data_type() {
        DataType::Date32 => {
            map::<Date32Type>(array, |days| i32::try_from(first_day(days.into(), precision)).unwrap_or(i32::MIN))
        }
        DataType::Date64 => map::<Date64Type>(array, |value| truncate_instant(value, 1_000, precision)),
        DataType::Timestamp(Second, _) => {
            map::<TimestampSecondType>(array, |value| truncate_instant(value, 1, precision))
        }
        DataType::Timestamp(Millisecond, _) => {
            map::<TimestampMillisecondType>(array, |value| truncate_instant(value, 1_000, precision))
        }
        DataType::Timestamp(Microsecond, _) => {
            map::<TimestampMicrosecondType>(array, |value| truncate_instant(value, 1_000_000, precision))
        }
        DataType::Timestamp(Nanosecond, _) => {
            map::<TimestampNanosecondType>(array, |value| truncate_instant(value, 1_000_000_000, precision))
        }
        other => return exec_err!("no date in {other}"),
    })
}

fn map<T: ArrowPrimitiveType>(array: &ArrayRef, truncate: impl Fn(T::Native) -> T::Native) -> ArrayRef {
    let truncated: PrimitiveArray<T> = array.as_primitive::<T>().iter().map(|value| value.map(&truncate)).collect();
    Arc::new(truncated.with_data_type(array.data_type().clone()))
}

fn truncate_instant(value: i64, units_a_second: i64, precision: Precision) -> i64 {
    let units_a_day = SECONDS_A_DAY * units_a_second;
    first_day(value.div_euclid(units_a_day), precision).saturating_mul(units_a_day)
}

/// The first day of the year or month that `day` lies in; both count from 1970-01-01.
fn first_day(day: i64, precision: Precision) -> i64 {
    // Years begin on 1 March here, so that a leap day is the last of its year; 400 of them are an era.
    const DAYS_AN_ERA: i64 = 146_097;
    const DAYS_BEFORE_1970: i64 = 719_468;
    const DAYS_FROM_MARCH_TO_JANUARY: i64 = 306;
    const JANUARY: i64 = 10;
    let shifted = day + DAYS_BEFORE_1970;
    let day_of_era = shifted.rem_euclid(DAYS_AN_ERA);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let year = shifted.div_euclid(DAYS_AN_ERA) * 400 + year_of_era;
    let day_of_year = shifted - days_before(year);
    let month = (5 * day_of_year + 2) / 153;
    match precision {
        Precision::Month => day - (day_of_year - (153 * month + 2) / 5),
        Precision::Year => {
            let began_in_march = if month >= JANUARY { year } else { year - 1 };
            days_before(began_in_march) + DAYS_FROM_MARCH_TO_JANUARY - DAYS_BEFORE_1970
        }
    }
}

/// Days from 1 March of the year 0 to 1 March of `year`.
fn days_before(year: i64) -> i64 {
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400)
}
