//! Names of customers, made from word lists so that no two are alike and none is anybody's.

use super::random::Stream;

const FIRST: [&str; 40] = [
    "Alder",
    "Arbour",
    "Basalt",
    "Birchfield",
    "Bramble",
    "Calder",
    "Cinder",
    "Cobalt",
    "Copperline",
    "Dovetail",
    "Dunmore",
    "Elmstead",
    "Fennick",
    "Foxglove",
    "Granite",
    "Halvorsen",
    "Harrow",
    "Hollins",
    "Ironbridge",
    "Juniper",
    "Kestrel",
    "Kingsley",
    "Larkspur",
    "Lindqvist",
    "Marlow",
    "Merrivale",
    "Norwood",
    "Oakhaven",
    "Orchard",
    "Pemberton",
    "Quarry",
    "Ravensworth",
    "Redfern",
    "Saltmarsh",
    "Sorrel",
    "Tamarack",
    "Thornbury",
    "Umber",
    "Westerly",
    "Yarrow",
];
const SECOND: [&str; 30] = [
    "Analytics",
    "Aviation",
    "Biotech",
    "Brands",
    "Capital",
    "Clinics",
    "Components",
    "Dynamics",
    "Energy",
    "Foods",
    "Freight",
    "Health",
    "Hotels",
    "Instruments",
    "Insurance",
    "Labs",
    "Learning",
    "Logistics",
    "Materials",
    "Media",
    "Mobility",
    "Networks",
    "Outfitters",
    "Pharma",
    "Retail",
    "Robotics",
    "Software",
    "Studios",
    "Supply",
    "Travel",
];
const INDUSTRIES: [&str; 10] = [
    "Software",
    "Financial services",
    "Healthcare",
    "Manufacturing",
    "Retail",
    "Logistics",
    "Media",
    "Education",
    "Travel",
    "Energy",
];

/// Name and domain of the customer with this index. The pair of words is a permutation of all pairs, so it repeats only
/// after 1,200 customers, from where a number tells them apart.
pub(super) fn customer(seed: u64, index: u32) -> (String, String) {
    let pairs = (FIRST.len() * SECOND.len()) as u64;
    let shift = Stream::new(seed, "names", 0).below(pairs);
    // 467 is coprime to 1,200, so every pair comes up once, and neighbours are unlike.
    let pair = (u64::from(index) * 467 + shift) % pairs;
    let first = usize::try_from(pair / SECOND.len() as u64).ok().and_then(|at| FIRST.get(at)).unwrap_or(&FIRST[0]);
    let second = usize::try_from(pair % SECOND.len() as u64).ok().and_then(|at| SECOND.get(at)).unwrap_or(&SECOND[0]);
    let round = u64::from(index) / pairs;
    let (name, slug) = (format!("{first} {second}"), format!("{first}-{second}").to_lowercase());
    if round == 0 {
        (name, format!("{slug}.example"))
    } else {
        (format!("{name} {}", round + 1), format!("{slug}-{}.example", round + 1))
    }
}

/// An industry.
pub(super) fn industry(who: &mut Stream) -> &'static str {
    who.pick(&INDUSTRIES, INDUSTRIES[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_domains_are_unique() {
        let names: HashSet<_> = (0..3000).map(|index| customer(3, index).1).collect();
        assert_eq!(names.len(), 3000);
    }
}
