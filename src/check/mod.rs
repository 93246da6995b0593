//! Results become findings; one gate decides: pass, warn, block.
//!
//! Nothing public has been touched when the gate speaks: a run that is blocked leaves the warehouse as it was.

mod contract;
mod question;
mod show;

pub use contract::contract;
pub use question::question;
pub use show::text_table;

use crate::error::{Class, Error, Result};
use crate::finding::{Finding, Severity};

/// How many failing rows a finding shows.
pub const SAMPLE_ROWS: usize = 10;

/// Lets a run go on to publish, or says why not.
///
/// # Errors
/// At least one finding blocks (65); the message shows each with its failing rows.
pub fn gate(findings: &[Finding]) -> Result<()> {
    let blocking: Vec<&Finding> = findings.iter().filter(|finding| finding.severity == Severity::Block).collect();
    if blocking.is_empty() {
        return Ok(());
    }
    let checks = if blocking.len() == 1 { "1 check" } else { &format!("{} checks", blocking.len()) };
    let mut message = format!("{checks} blocked publishing; the warehouse is as it was");
    for finding in blocking {
        message.push_str(&format!(
            "\n\n{} {} ({}): {}; expected {}\n{}",
            finding.table,
            finding.check,
            finding.code,
            finding.observed,
            finding.expected,
            show::sample(finding)
        ));
    }
    Err(Error::new(Class::Blocked, message.trim_end())
        .help("correct the rows at their source and run again; a threshold is changed in the job's [policy]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity) -> Finding {
        Finding {
            code: "expect".to_owned(),
            severity,
            table: "invoice".to_owned(),
            check: "positive".to_owned(),
            observed: "12 rows fail".to_owned(),
            expected: "amount > 0".to_owned(),
            rows: 12,
            sample: vec![vec![("invoice_id".to_owned(), "i-1".to_owned()), ("amount".to_owned(), "-3.00".to_owned())]],
        }
    }

    #[test]
    fn only_what_blocks_closes_the_gate_and_shows_its_rows() {
        assert!(gate(&[finding(Severity::Pass), finding(Severity::Warn)]).is_ok());
        let error = gate(&[finding(Severity::Warn), finding(Severity::Block)]).unwrap_err();
        assert_eq!(error.class(), Class::Blocked);
        let text = error.to_string();
        assert!(text.starts_with("1 check blocked publishing"), "{text}");
        assert!(text.contains("i-1          -3.00") && text.contains("… and 11 more"), "{text}");
    }
}
