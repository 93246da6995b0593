//! Numbers, money, dates and times as people read them.

use chrono::NaiveDate;
use std::time::Duration;

/// Digits behind the point of every amount in our tables.
const SCALE: u32 = 4;

/// An amount in ten-thousandths of `currency`, rounded half up to what the currency counts in: `USD 12,345.60`.
pub fn money(amount: i128, currency: &str) -> String {
    format!("{currency} {}", amount_in(amount, currency))
}

/// The same without the currency: `12,345.60`.
pub fn amount_in(amount: i128, currency: &str) -> String {
    let minor_digits = exponent(currency);
    let divisor = 10_u128.pow(SCALE - minor_digits);
    let minor = (amount.unsigned_abs() + divisor / 2) / divisor;
    let base = 10_u128.pow(minor_digits);
    let sign = if amount < 0 && minor > 0 { "-" } else { "" };
    let whole = grouped(&(minor / base).to_string());
    if minor_digits == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{:0width$}", minor % base, width = minor_digits as usize)
}

/// Digits behind the point of a currency (ISO 4217 exponent); 2 for those we do not know.
pub fn exponent(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// A count with thousands separators: `1,234,567`.
pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// A count and its noun: `1 row`, `12 rows`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `22 Nov 2026`.
pub fn date(date: NaiveDate) -> String {
    date.format("%-d %b %Y").to_string()
}

/// `0.4 s`, `12.3 s`, `2 min 05 s`, `1 h 03 min`.
pub fn duration(duration: Duration) -> String {
    let tenths = (duration.as_millis() + 50) / 100;
    let seconds = (tenths + 5) / 10;
    match seconds {
        0..60 => format!("{}.{} s", tenths / 10, tenths % 10),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `812 B`, `1.2 MB`: powers of a thousand, as disks are sold.
pub fn bytes(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut tenths = bytes;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB", "PB"] {
        if tenths < if unit == "B" { 1000 } else { 10_000 } {
            break;
        }
        // Tenths of the next unit, half up.
        tenths = if unit == "B" { (tenths + 50) / 100 } else { (tenths + 500) / 1000 };
        unit = next;
    }
    format!("{}.{} {unit}", count(tenths / 10), tenths % 10)
}

/// `part` of `whole` in per cent with two digits, half up: `1.84 %`; none where there is no whole.
pub fn percent(part: i128, whole: i128) -> Option<String> {
    if whole <= 0 {
        return None;
    }
    let hundredths = (part.unsigned_abs() * 20_000 + whole.unsigned_abs()) / (whole.unsigned_abs() * 2);
    let sign = if part < 0 && hundredths > 0 { "-" } else { "" };
    Some(format!("{sign}{}.{:02} %", grouped(&(hundredths / 100).to_string()), hundredths % 100))
}

/// How many of something in a second: `410,000/s`; none before a tenth of a second has passed.
pub fn rate(done: u64, elapsed: Duration) -> Option<String> {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    if millis < 100 || done == 0 {
        return None;
    }
    let per_second = done.saturating_mul(1000) / millis;
    // Three leading digits: more would flicker and mean nothing.
    let mut unit = 1;
    while per_second / unit >= 1000 {
        unit *= 10;
    }
    Some(format!("{}/s", count(per_second / unit * unit)))
}

/// A sentence of a table with its dates and amounts as people read them: `2025-01-31` becomes `31 Jan 2025`,
/// `239186.30` becomes `239,186.30`. Anything else stays.
pub fn sentence(text: &str) -> String {
    let is_mark = |c: char| !c.is_ascii_alphanumeric();
    let word = |word: &str| {
        let core = word.trim_matches(is_mark);
        let nicer = if let Ok(day) = core.parse::<NaiveDate>() {
            date(day)
        } else {
            let Some((whole, cents)) = core.split_once('.') else { return word.to_owned() };
            let is_digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
            if !is_digits(whole) || !is_digits(cents) {
                return word.to_owned();
            }
            format!("{}.{cents}", grouped(whole))
        };
        word.replacen(core, &nicer, 1)
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// `text` cut to `width` characters, the last one `…` where something is missing.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// `text` in lines of at most `width` characters, broken at spaces; longer words stay whole.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_half_up_to_what_the_currency_counts_in() {
        assert_eq!(money(123_456_000, "USD"), "USD 12,345.60");
        assert_eq!(money(50, "USD"), "USD 0.01");
        assert_eq!(money(49, "EUR"), "EUR 0.00");
        assert_eq!(money(-49, "EUR"), "EUR 0.00");
        assert_eq!(money(-1_234_567_800, "EUR"), "EUR -123,456.78");
        assert_eq!(money(12_345_000, "JPY"), "JPY 1,235");
        assert_eq!(money(1_234_565, "KWD"), "KWD 123.457");
        assert_eq!(money(0, "USD"), "USD 0.00");
        assert_eq!(money(10_i128.pow(22), "USD"), "USD 1,000,000,000,000,000,000.00");
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(
            (count(0), count(999), count(1_000), count(1_234_567)),
            ("0".into(), "999".into(), "1,000".into(), "1,234,567".into())
        );
        assert_eq!((counted(1, "row"), counted(0, "row")), ("1 row".into(), "0 rows".into()));
        assert_eq!(
            [812, 1_000, 1_249, 999_960, 12_345_678, 3_000_000_000].map(bytes),
            ["812 B", "1.0 kB", "1.2 kB", "1.0 MB", "12.3 MB", "3.0 GB"]
        );
        assert_eq!(percent(184, 10_000).as_deref(), Some("1.84 %"));
        assert_eq!(percent(2, 3).as_deref(), Some("66.67 %"));
        assert_eq!(percent(1, 0), None);
    }

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!(date(NaiveDate::from_ymd_opt(2026, 11, 2).unwrap()), "2 Nov 2026");
        assert_eq!(
            [40, 449, 12_349, 59_970, 125_000, 3_780_000].map(|ms| duration(Duration::from_millis(ms))),
            ["0.0 s", "0.4 s", "12.3 s", "1 min 00 s", "2 min 05 s", "1 h 03 min"]
        );
        assert_eq!(rate(1_234_567, Duration::from_secs(3)).as_deref(), Some("411,000/s"));
        assert_eq!(rate(5, Duration::from_millis(50)), None);
    }

    #[test]
    fn sentences_keep_their_words() {
        assert_eq!(
            sentence(
                "From 2025-01-31 (to 2027-02-01): 239186.30 USD of 0.00, in-00318-0005 v1.2.3 12.5%, in 2 periods."
            ),
            "From 31 Jan 2025 (to 1 Feb 2027): 239,186.30 USD of 0.00, in-00318-0005 v1.2.3 12.5%, in 2 periods."
        );
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn text_is_cut_and_wrapped_by_characters() {
        assert_eq!(cut("Müller & Söhne", 8), "Müller…");
        assert_eq!(cut("short", 8), "short");
        assert_eq!(wrap("one two three four", 9), ["one two", "three", "four"]);
        assert!(wrap("", 9).is_empty());
    }
}
