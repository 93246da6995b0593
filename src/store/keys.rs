//! The names of objects in a warehouse: `<table>/<column>=<value>/part-0.parquet` for readers, `_tailwater/` for us.

use crate::error::{Error, Result};

/// The prefix under which everything lies that is not a public table.
pub const INTERNAL: &str = "_tailwater";

/// Whether `key` lies under our own prefix rather than in a public table.
pub fn is_internal(key: &str) -> bool {
    key.strip_prefix(INTERNAL).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Checks that `key` means the same in a folder and in a bucket, and cannot leave the warehouse.
///
/// # Errors
/// Empty, absolute, over 1,024 bytes, or with an empty, `.`, `..`, over-long or unprintable segment (70).
pub fn check(key: &str) -> Result<()> {
    let bad_segment = |segment: &str| {
        segment.is_empty()
            || segment == "."
            || segment == ".."
            || segment.len() > 255
            || segment.chars().any(|c| c.is_control() || c == '\\')
    };
    if key.is_empty() || key.len() > 1024 || key.split('/').any(bad_segment) {
        return Err(Error::bug(format!("{key:?} cannot be the key of an object")));
    }
    Ok(())
}

/// Whether `name` may name a job, run, source or stream: it becomes a segment of keys and the name of a lock.
pub fn is_name(name: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.len() <= 128 && name.chars().all(ok)
}

/// The key of one partition of a public table; `values` are (column, value) in the order of `partition_by`.
/// Characters that Hive readers decode are percent-encoded.
pub fn partition(table: &str, values: &[(String, String)]) -> String {
    let mut key = table.to_owned();
    for (column, value) in values {
        key.push('/');
        key.push_str(column);
        key.push('=');
        for c in value.chars() {
            if c.is_control() || " \"#%'*/:=?\\{}[]^".contains(c) {
                let mut utf8 = [0_u8; 4];
                for byte in c.encode_utf8(&mut utf8).bytes() {
                    key.push_str(&format!("%{byte:02X}"));
                }
            } else {
                key.push(c);
            }
        }
    }
    key.push_str("/part-0.parquet");
    key
}

/// The (column, value) pairs that a public key's `column=value` segments say, values decoded.
pub fn partition_values(key: &str) -> Vec<(String, String)> {
    let pair = |segment: &str| {
        let (column, value) = segment.split_once('=')?;
        Some((column.to_owned(), percent_decode(value)))
    };
    key.split('/').filter_map(pair).collect()
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match code.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where a run's results wait outside every public path.
pub fn staging(run_id: &str) -> String {
    format!("{INTERNAL}/staging/{run_id}")
}

/// The journal of one commit.
pub fn journal(commit_id: &str) -> String {
    format!("{INTERNAL}/commits/{commit_id}.json")
}

/// A job's manifest of public objects.
pub fn manifest(job: &str) -> String {
    format!("{INTERNAL}/manifests/{job}.json")
}

/// A job's lease object.
pub fn lease(job: &str) -> String {
    format!("{INTERNAL}/locks/{job}.json")
}

/// The state object of one stream of a source.
pub fn state(source: &str, stream: &str) -> String {
    format!("{INTERNAL}/state/{source}/{stream}.json")
}

/// The prefix of one stream's landed files.
pub fn landing(source: &str, stream: &str) -> String {
    format!("{INTERNAL}/landing/{source}/{stream}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_cannot_leave_the_warehouse() {
        for bad in ["", "/a", "a//b", "a/../b", "./a", "a/", "a\\b", "a\nb"] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
        assert!(check("contract_drift/as_of_date=2026-11-22/part-0.parquet").is_ok());
        assert!(is_internal("_tailwater/state/x.json") && !is_internal("_tailwaters/x"));
        assert!(is_name("nightly-2") && !is_name("a.b") && !is_name("a/b") && !is_name(""));
    }

    #[test]
    fn partition_values_survive_the_way_into_a_key_and_back() {
        let values = vec![("region".to_owned(), "a/b 100% ü".to_owned()), ("day".to_owned(), "2026-11-22".to_owned())];
        let key = partition("t", &values);
        assert_eq!(key, "t/region=a%2Fb%20100%25%20ü/day=2026-11-22/part-0.parquet");
        assert_eq!(partition_values(&key), values);
    }
}
