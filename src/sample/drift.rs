//! What other systems say about a contract that was signed: mostly the same.

use super::facts::{Contract, Line, Pricing, Version};
use super::products::PLATFORM;
use chrono::NaiveDate;

/// What a system has wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drift {
    /// A unit more of everything.
    Units,
    /// A price that was still being negotiated.
    Price,
    /// Another end.
    End,
    /// Whether the contract renews by itself.
    AutoRenew,
    /// The days of notice.
    Notice,
    /// How often it is invoiced.
    Frequency,
}

/// Who has a copy of the contract's terms, the best source first.
pub(super) fn copies(contract: &Contract) -> Vec<&'static str> {
    let mut sources = vec![contract.term_source];
    // Two systems that both know a contract: only the better one's terms may count.
    if contract.term_source == "signed" && contract.account % 7 == 2 {
        sources.push("crm");
    }
    if contract.term_source == "signed" && contract.account.is_multiple_of(5) {
        sources.push("billing");
    }
    sources
}

/// What `source` has wrong about the contract.
pub(super) fn of(contract: &Contract, source: &str) -> Option<Drift> {
    if source == contract.term_source {
        return None;
    }
    match (source, contract.account % 14, contract.account / 14 % 5, contract.account / 5 % 7) {
        ("crm", 2, ..) => Some(Drift::Units),
        ("crm", _, 0, _) => Some(Drift::Price),
        ("crm", _, 1, _) => Some(Drift::End),
        ("billing", _, _, 0) => Some(Drift::Frequency),
        ("billing", _, _, 1) => Some(Drift::Notice),
        ("billing", _, _, 2) => Some(Drift::AutoRenew),
        _ => None,
    }
}

/// Whether a wrong price shows on a line: a price is stated there.
pub(super) fn is_repriced(line: &Line) -> bool {
    line.product.id == PLATFORM.id && line.pricing == Pricing::PerUnit && !line.lacks_price
}

/// Whether any copy says something else than the best one about the version in force on `as_of`.
pub(super) fn shows(contract: &Contract, as_of: NaiveDate) -> bool {
    let known = || contract.versions.iter().filter(|version| version.signed <= as_of);
    let Some(version) = known().rfind(|version| version.effective <= as_of).or_else(|| known().next()) else {
        return false;
    };
    copies(contract)
        .into_iter()
        .filter_map(|source| of(contract, source))
        .any(|drift| is_visible(contract, version, drift))
}

fn is_visible(contract: &Contract, version: &Version, drift: Drift) -> bool {
    match drift {
        Drift::Units => version.lines.iter().any(|line| line.pricing != Pricing::Flat && line.product.metric.is_none()),
        Drift::Price => version.lines.iter().any(is_repriced),
        Drift::End => version.end.is_some(),
        Drift::Notice => contract.notice_days.is_some(),
        Drift::AutoRenew | Drift::Frequency => true,
    }
}
