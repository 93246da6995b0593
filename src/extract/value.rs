//! Texts become values: exact parsers for numbers, days, instants and truth, each saying why it refuses.

use chrono::{NaiveDate, NaiveDateTime};

/// Microseconds of a day.
pub const DAY_MICROS: i64 = 86_400_000_000;

/// How a column's texts spell numbers and days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelling {
    /// `strftime` pattern of days and instants, or `unix` / `unix_ms`; ISO 8601 where absent.
    pub format: Option<String>,
    /// The decimal mark.
    pub decimal: char,
    /// The mark between groups of digits, if any.
    pub thousands: Option<char>,
}

impl Default for Spelling {
    fn default() -> Self {
        Spelling { format: None, decimal: '.', thousands: None }
    }
}

/// Why a text is not a value of the wanted type, as the end of the sentence "the value …".
pub type Refusal = String;

/// An exact decimal as its digits at `scale`.
///
/// Digits that the scale cannot keep are refused, never rounded; except that a number printed with 16 or more
/// significant digits is the shadow of a binary float, which carries 15, and is first rounded to those.
///
/// # Errors
/// Not a number, grouped wrongly, finer than `scale` or longer than `precision`.
pub fn decimal(text: &str, precision: u8, scale: i8, spelling: &Spelling) -> Result<i128, Refusal> {
    let number = Number::parse(text, spelling)?;
    let digits = number.at_scale(scale)?;
    let bound = 10_i128.checked_pow(u32::from(precision)).unwrap_or(i128::MAX);
    if digits.abs() >= bound {
        return Err(format!("has more digits than decimal({precision},{scale}) holds"));
    }
    Ok(digits)
}

/// A whole number; `12.0` is one, `12.5` is not.
///
/// # Errors
/// Not a number, not whole, or outside 64 bits.
pub fn integer(text: &str, spelling: &Spelling) -> Result<i64, Refusal> {
    let plain = text.trim();
    if spelling.thousands.is_none()
        && let Ok(value) = plain.parse::<i64>()
    {
        return Ok(value);
    }
    let number = Number::parse(plain, spelling)?;
    let digits = number.at_scale(0).map_err(|_| "is not a whole number".to_owned())?;
    i64::try_from(digits).map_err(|_| "is outside the range of 64-bit integers".to_owned())
}

/// A finite float.
///
/// # Errors
/// Not a number, or not finite.
pub fn float(text: &str, spelling: &Spelling) -> Result<f64, Refusal> {
    let plain = text.trim();
    let parsed = if spelling.decimal == '.' && spelling.thousands.is_none() {
        plain.parse::<f64>().ok()
    } else {
        let kept = plain.chars().filter(|c| Some(*c) != spelling.thousands);
        kept.map(|c| if c == spelling.decimal { '.' } else { c }).collect::<String>().parse().ok()
    };
    parsed.filter(|value| value.is_finite()).ok_or_else(|| "is not a number".to_owned())
}

/// `true`/`false`, `t`/`f`, `1`/`0`, `yes`/`no`, `y`/`n`, in any case.
///
/// # Errors
/// Anything else.
pub fn boolean(text: &str) -> Result<bool, Refusal> {
    let plain = text.trim();
    let is_one_of = |words: [&str; 5]| words.iter().any(|word| plain.eq_ignore_ascii_case(word));
    if is_one_of(["true", "t", "1", "yes", "y"]) {
        Ok(true)
    } else if is_one_of(["false", "f", "0", "no", "n"]) {
        Ok(false)
    } else {
        Err("is neither true nor false".to_owned())
    }
}

/// A calendar day as days since 1970-01-01. An instant at midnight is a day, any other instant is refused.
///
/// # Errors
/// Not a day of the calendar in the expected spelling.
pub fn date(text: &str, spelling: &Spelling) -> Result<i32, Refusal> {
    let plain = text.trim();
    if spelling.format.is_none()
        && let Some(day) = iso_day(plain.as_bytes())
    {
        return Ok(day);
    }
    let micros = timestamp(plain, spelling).map_err(|refusal| refusal.replace("a point in time", "a date"))?;
    if micros.rem_euclid(DAY_MICROS) != 0 {
        return Err("has a time of day where a date is wanted".to_owned());
    }
    i32::try_from(micros.div_euclid(DAY_MICROS)).map_err(|_| "is not a date".to_owned())
}

/// An instant as microseconds since 1970-01-01 UTC: RFC 3339, `YYYY-MM-DD HH:MM[:SS[.fraction]]` with or without an
/// offset (UTC where there is none), a day (its first instant), or the column's own format. Digits behind the
/// microsecond are cut.
///
/// # Errors
/// Not an instant of the calendar in the expected spelling.
pub fn timestamp(text: &str, spelling: &Spelling) -> Result<i64, Refusal> {
    let plain = text.trim();
    let micros = match spelling.format.as_deref() {
        None => iso_instant(plain.as_bytes()).ok_or_else(|| "is not a point in time (YYYY-MM-DD…)".to_owned()),
        Some("unix") => unix(plain, 1_000_000),
        Some("unix_ms") => unix(plain, 1_000),
        Some(format) => formatted(plain, format).ok_or_else(|| format!("is not a point in time spelled {format}")),
    }?;
    // Milliseconds read as seconds give the year 55,000, which no calendar of a reader knows.
    if FOUR_DIGIT_YEARS.contains(&micros) { Ok(micros) } else { Err("is not in the years 1 to 9999".to_owned()) }
}

/// 0001-01-01 to 9999-12-31 in microseconds since 1970-01-01.
const FOUR_DIGIT_YEARS: std::ops::Range<i64> = -719_162 * DAY_MICROS..2_932_897 * DAY_MICROS;

fn unix(text: &str, micros_per_unit: i64) -> Result<i64, Refusal> {
    let number = Number::parse(text, &Spelling::default())?;
    let scale = if micros_per_unit == 1_000_000 { 6 } else { 3 };
    let micros = number.at_scale(scale)?;
    i64::try_from(micros).map_err(|_| "is not a point in time".to_owned())
}

fn formatted(text: &str, format: &str) -> Option<i64> {
    if let Ok(instant) = chrono::DateTime::parse_from_str(text, format) {
        return Some(instant.timestamp_micros());
    }
    if let Ok(instant) = NaiveDateTime::parse_from_str(text, format) {
        return Some(instant.and_utc().timestamp_micros());
    }
    let day = NaiveDate::parse_from_str(text, format).ok()?;
    Some(i64::from(day.to_epoch_days()) * DAY_MICROS)
}

fn iso_day(text: &[u8]) -> Option<i32> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else { return None };
    let year = number_of(&[*y0, *y1, *y2, *y3])?;
    let month = number_of(&[*m0, *m1])?;
    let day = number_of(&[*d0, *d1])?;
    civil(year, month, day)
}

/// Days since 1970-01-01 of a proleptic Gregorian day, counted in 400-year eras from 1 March
/// (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(year: i32, month: i32, day: i32) -> Option<i32> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year < 1 || day < 1 || day > last {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn number_of(digits: &[u8]) -> Option<i32> {
    let mut value = 0_i32;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i32::from(digit - b'0');
    }
    Some(value)
}

fn iso_instant(text: &[u8]) -> Option<i64> {
    let (day, rest) = text.split_at_checked(10)?;
    let midnight = i64::from(iso_day(day)?) * DAY_MICROS;
    let Some((mark, rest)) = rest.split_first() else { return Some(midnight) };
    if !matches!(mark, b'T' | b't' | b' ') {
        return None;
    }
    let (clock, rest) = rest.split_at_checked(5)?;
    let [h0, h1, b':', m0, m1] = clock else { return None };
    let (hour, minute) = (number_of(&[*h0, *h1])?, number_of(&[*m0, *m1])?);
    let (second, fraction, rest) = seconds(rest)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let of_day = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    Some(midnight + of_day * 1_000_000 + fraction - offset(rest)? * 1_000_000)
}

/// Seconds, microseconds and what follows; both are zero where the text has no seconds.
fn seconds(text: &[u8]) -> Option<(i32, i64, &[u8])> {
    let Some((b':', rest)) = text.split_first() else { return Some((0, 0, text)) };
    let (digits, rest) = rest.split_at_checked(2)?;
    let second = number_of(digits)?;
    let Some((b'.' | b',', rest)) = rest.split_first() else { return Some((second, 0, rest)) };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 || length > 12 {
        return None;
    }
    let mut fraction = 0_i64;
    for at in 0..6 {
        let digit = if at < length { rest.get(at).map_or(0, |byte| byte - b'0') } else { 0 };
        fraction = fraction * 10 + i64::from(digit);
    }
    Some((second, fraction, rest.get(length..)?))
}

/// Seconds east of UTC: nothing, `Z`, ` UTC`, `±HH`, `±HHMM`, `±HH:MM`.
fn offset(text: &[u8]) -> Option<i64> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    if text.is_empty() || matches!(text, b"Z" | b"z" | b"UTC") {
        return Some(0);
    }
    let (sign, rest) = text.split_first()?;
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [h0, h1] => (number_of(&[*h0, *h1])?, 0),
        [h0, h1, m0, m1] | [h0, h1, b':', m0, m1] => (number_of(&[*h0, *h1])?, number_of(&[*m0, *m1])?),
        _ => return None,
    };
    (hours <= 23 && minutes <= 59).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}

/// A decimal number as written: `digits * 10^exponent`.
struct Number {
    is_negative: bool,
    digits: u128,
    exponent: i32,
}

/// More digits than this do not fit a 128-bit decimal.
const MOST_DIGITS: u32 = 38;

impl Number {
    /// Sign or accounting parentheses, grouped or plain digits, decimal mark, exponent.
    fn parse(text: &str, spelling: &Spelling) -> Result<Number, Refusal> {
        let not_a_number = || "is not a number".to_owned();
        let plain = text.trim();
        let (is_negative, plain) = match plain.as_bytes() {
            [b'-', ..] => (true, &plain[1..]),
            [b'+', ..] => (false, &plain[1..]),
            [b'(', .., b')'] => (true, &plain[1..plain.len() - 1]),
            _ => (false, plain),
        };
        let (mantissa, exponent) = match plain.find(['e', 'E']) {
            None => (plain, 0),
            Some(at) => (&plain[..at], plain[at + 1..].parse::<i32>().map_err(|_| not_a_number())?),
        };
        let (whole, fraction) = match mantissa.split_once(spelling.decimal) {
            None => (mantissa, ""),
            Some((whole, fraction)) => (whole, fraction),
        };
        let mut number = Number { is_negative, digits: 0, exponent: 0 };
        let mut count = 0;
        if let Some(mark) = spelling.thousands
            && whole.contains(mark)
        {
            check_groups(whole, mark)?;
            for group in whole.split(mark) {
                count += number.take(group)?;
            }
        } else {
            count += number.take(whole)?;
        }
        count += number.take(fraction)?;
        if count == 0 || exponent.abs() > 400 {
            return Err(not_a_number());
        }
        number.exponent = exponent - i32::try_from(fraction.len()).map_err(|_| not_a_number())?;
        Ok(number)
    }

    /// Appends digits; how many there were.
    fn take(&mut self, digits: &str) -> Result<usize, Refusal> {
        for byte in digits.bytes() {
            if !byte.is_ascii_digit() {
                return Err("is not a number".to_owned());
            }
            self.digits = self
                .digits
                .checked_mul(10)
                .and_then(|digits| digits.checked_add(u128::from(byte - b'0')))
                .filter(|digits| *digits < 10_u128.pow(MOST_DIGITS))
                .ok_or_else(|| format!("has more than {MOST_DIGITS} digits"))?;
        }
        Ok(digits.len())
    }

    fn at_scale(&self, scale: i8) -> Result<i128, Refusal> {
        let signed = |digits: u128| {
            let value = i128::try_from(digits).map_err(|_| format!("has more than {MOST_DIGITS} digits"))?;
            Ok(if self.is_negative { -value } else { value })
        };
        if self.digits == 0 {
            return Ok(0);
        }
        let shift = self.exponent + i32::from(scale);
        if let Some(digits) = shifted(self.digits, shift)? {
            return signed(digits);
        }
        let significant = self.digits.ilog10() + 1;
        if significant > 15 {
            let cut = significant - 15;
            let unit = 10_u128.pow(cut);
            let rounded = (self.digits + unit / 2) / unit;
            if let Some(digits) = shifted(rounded, shift + cut.cast_signed())? {
                return signed(digits);
            }
        }
        Err(format!("has more than the {scale} decimals that are kept"))
    }
}

/// `digits * 10^shift`; none where digits would be lost.
fn shifted(digits: u128, shift: i32) -> Result<Option<u128>, Refusal> {
    let Some(factor) = 10_u128.checked_pow(shift.unsigned_abs()) else {
        return if shift < 0 { Ok(None) } else { Err(format!("has more than {MOST_DIGITS} digits")) };
    };
    if shift >= 0 {
        let product = digits.checked_mul(factor).ok_or_else(|| format!("has more than {MOST_DIGITS} digits"))?;
        return Ok(Some(product));
    }
    Ok(digits.is_multiple_of(factor).then(|| digits / factor))
}

/// Groups are what tells `1.234` from 1 point 234: three digits in the last, two or three before (India), one to
/// three in the first.
fn check_groups(whole: &str, mark: char) -> Result<(), Refusal> {
    let lengths: Vec<usize> = whole.split(mark).map(str::len).collect();
    let is_good = lengths.iter().enumerate().all(|(at, length)| {
        if at == 0 {
            (1..=3).contains(length)
        } else if at + 1 == lengths.len() {
            *length == 3
        } else {
            (2..=3).contains(length)
        }
    });
    if is_good { Ok(()) } else { Err(format!("groups its digits wrongly for the thousands mark \"{mark}\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_refused() {
        let plain = Spelling::default();
        let money = |text: &str| decimal(text, 18, 4, &plain);
        assert_eq!(money("12.5"), Ok(125_000));
        assert_eq!(money(" -0.0001 "), Ok(-1));
        assert_eq!(money("(1.25)"), Ok(-12_500));
        assert_eq!(money("1e3"), Ok(10_000_000));
        assert_eq!(money("1.5E-2"), Ok(150));
        assert_eq!(money("7.00000000"), Ok(70_000));
        assert_eq!(money("19.990000000000002"), Ok(199_900));
        assert_eq!(money(".5"), Ok(5_000));
        assert_eq!(money("0e-300"), Ok(0));
        for bad in ["", "-", ".", "1,5", "abc", "1.2.3", "0x10", "NaN", "12.00001", "100000000000000", "1e30"] {
            assert!(money(bad).is_err(), "{bad}");
        }
        let german = Spelling { decimal: ',', thousands: Some('.'), ..Spelling::default() };
        assert_eq!(decimal("1.234.567,89", 18, 4, &german), Ok(12_345_678_900));
        assert_eq!(decimal("-1.234", 18, 4, &german), Ok(-12_340_000));
        assert!(decimal("1.23", 18, 4, &german).is_err());
        let indian = Spelling { thousands: Some(','), ..Spelling::default() };
        assert_eq!(decimal("1,00,000.5", 18, 4, &indian), Ok(1_000_005_000));
        let swiss = Spelling { thousands: Some('’'), ..Spelling::default() };
        assert_eq!(decimal("12’345.60", 18, 4, &swiss), Ok(123_456_000));
    }

    #[test]
    fn whole_numbers_and_truth() {
        let plain = Spelling::default();
        assert_eq!(integer("12.0", &plain), Ok(12));
        assert_eq!(integer("-9223372036854775808", &plain), Ok(i64::MIN));
        assert!(integer("12.5", &plain).is_err());
        assert!(integer("9223372036854775808", &plain).is_err());
        assert_eq!(boolean("Yes"), Ok(true));
        assert_eq!(boolean("F"), Ok(false));
        assert!(boolean("maybe").is_err());
        assert!(float("inf", &plain).is_err());
    }

    #[test]
    fn days_and_instants() {
        let iso = Spelling::default();
        for (year, month, day) in [(1970, 1, 1), (2000, 2, 29), (1900, 3, 1), (1, 1, 1), (2026, 12, 31), (9999, 12, 31)]
        {
            let want = NaiveDate::from_ymd_opt(year, month, day).unwrap();
            assert_eq!(date(&want.to_string(), &iso), Ok(want.to_epoch_days()), "{want}");
        }
        for bad in ["2023-02-29", "2024-13-01", "2024-00-10", "2024-1-1", "20240101", "2024-01-01 10:00"] {
            assert!(date(bad, &iso).is_err(), "{bad}");
        }
        assert_eq!(date("2024-01-02T00:00:00Z", &iso), Ok(19_724));
        let at = |text: &str| timestamp(text, &iso);
        assert_eq!(at("1970-01-01"), Ok(0));
        assert_eq!(at("1970-01-01 00:00:01.5"), Ok(1_500_000));
        assert_eq!(at("1970-01-01T01:00:00.123456789+01:00"), Ok(123_456));
        assert_eq!(at("1969-12-31 19:00:00-05"), Ok(0));
        assert_eq!(at("1970-01-01T00:01Z"), Ok(60_000_000));
        assert_eq!(at("1970-01-01 00:00:01 UTC"), Ok(1_000_000));
        for bad in ["1970-01-01T", "1970-01-01T25:00:00", "1970-01-01 00:00:60", "1970-01-01 00:00:00+1", "now", ""] {
            assert!(at(bad).is_err(), "{bad}");
        }
        let custom = |format: &str| Spelling { format: Some(format.to_owned()), ..Spelling::default() };
        assert_eq!(date("02.01.2024", &custom("%d.%m.%Y")), Ok(19_724));
        assert_eq!(timestamp("1/2/2024 13:05", &custom("%m/%d/%Y %H:%M")), Ok(1_704_200_700_000_000));
        assert_eq!(timestamp("1704200700.25", &custom("unix")), Ok(1_704_200_700_250_000));
        assert_eq!(timestamp("1704200700250", &custom("unix_ms")), Ok(1_704_200_700_250_000));
        assert!(date("2024-01-02", &custom("%d.%m.%Y")).is_err());
    }
}
