//! What the made-up company must be, whatever the seed.

use super::planning::planned_until;
use super::planted::{Finding, findings};
use super::*;
use std::collections::{BTreeMap, BTreeSet};

fn spec(seed: u64) -> SampleSpec {
    SampleSpec { seed, ..SampleSpec::default() }
}

pub(super) fn found(seed: u64) -> (Sample, Vec<Finding>) {
    let spec = spec(seed);
    let company = Company::new(&spec);
    let as_of = planned_until(&company);
    let sample = Sample::new(&spec, as_of);
    let findings = findings(sample.world(), as_of);
    (sample, findings)
}
