//! What the biller gets wrong: faults planted on contract lines and invoices.

use chrono::{NaiveDate, NaiveDateTime};
use md5::{Digest, Md5};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Something the biller does wrong for one contract line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Goes on granting discounts that have ended (P1).
    KeepsDiscount,
    /// Bills a lower price, in permille of the right one, for periods that begin in the range (P6).
    LowPrice(Range<NaiveDate>, i64),
    /// Applies no more than so many price rises (P3, P4).
    HoldsPrice(usize, &'static str),
    /// Ignores the ramp from this day on: its price or units (P5), or the end of its discount (P1).
    MissesRamp(NaiveDate, &'static str),
    /// Rates units at prices so many permille of the right ones, for periods that begin in the range (P8).
    LowTiers(Range<NaiveDate>, i64),
    /// Puts all units at the price of the tier they reach instead of each at its own (P8).
    WrongModel(Range<NaiveDate>),
    /// Never bills seats beyond the contracted ones (Q1).
    ForgetsSeats,
    /// Bills no use of periods that begin in the range (Q3).
    SkipsUse(Range<NaiveDate>),
    /// Bills so many permille of the use, for periods that begin in the range (Q3).
    LowUse(Range<NaiveDate>, i64),
    /// Never bills what a commitment falls short by (Q4).
    ForgetsTrueUp,
    /// Bills so many permille of what a commitment falls short by (Q4).
    ShortTrueUp(i64),
    /// Never bills what goes beyond a prepaid balance (Q5).
    ForgetsOverdraw,
    /// Takes so many permille of what goes beyond a prepaid balance off (Q5).
    ForgivesOverdraw(i64),
    /// Never bills the line (C1).
    NeverBills,
    /// Leaves out the periods that begin in the range (C2).
    Skips(Range<NaiveDate>),
    /// Bills no day from this one on (C3).
    StopsAt(NaiveDate),
    /// Bills no day before this one (C4).
    StartsAt(NaiveDate),
    /// Bills some units too few, for periods that begin in the range (Q2).
    LowQuantity(Range<NaiveDate>, u32),
    /// Adds up wrongly, by so many permille of gross, in periods that begin in the range (E1).
    MisAdds(Range<NaiveDate>, i64),
    /// Bills a higher price, in permille of the right one (O2).
    HighPrice(Range<NaiveDate>, i64),
    /// Bills some units too many (O2).
    HighQuantity(Range<NaiveDate>, u32),
    /// Forgets discounts in force (O2).
    ForgetsDiscount(Range<NaiveDate>),
    /// Goes on billing for so many periods after the end (O2).
    BillsOn(i32),
    /// Leaves a draft unposted for periods that begin in the range (C12).
    NeverPosts(Range<NaiveDate>),
    /// Bills no day of the range, which begins where a free period or a pause ends (C8, C9).
    LeavesOut(Range<NaiveDate>, &'static str),
    /// Never bills the one-off (C7).
    ForgetsFee,
    /// Still bills the price of the contract before, of a whole period at 8 digits, for periods that begin in the range (P9).
    OldPrice(Range<NaiveDate>, i128),
    /// Still bills what held before the version that takes effect on this day (Q6).
    OldTerms(NaiveDate),
    /// Bills a price that somebody typed over, in permille of the right one, for periods that begin in the range (P11).
    TypesOver(Range<NaiveDate>, i64),
    /// Invoices so many days late, for periods that begin in the range (C11).
    PostsLate(Range<NaiveDate>, i64),
    /// Invoices once more, so many days later, periods that begin in the range (O1).
    Repeats(Range<NaiveDate>, i64),
    /// Invoices every so many months, whatever the contract says (C6).
    OtherRhythm(i32),
    /// Charges parts of periods at so many permille of their share, for periods that begin in the range (C10).
    WrongShare(Range<NaiveDate>, i64),
}

impl Fault {
    /// The code a run must report.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::KeepsDiscount => "P1",
            Fault::LowPrice(..) => "P6",
            Fault::HoldsPrice(_, code) | Fault::MissesRamp(_, code) => code,
            Fault::LowTiers(..) | Fault::WrongModel(_) => "P8",
            Fault::ForgetsSeats => "Q1",
            Fault::SkipsUse(_) | Fault::LowUse(..) => "Q3",
            Fault::ForgetsTrueUp | Fault::ShortTrueUp(_) => "Q4",
            Fault::ForgetsOverdraw | Fault::ForgivesOverdraw(_) => "Q5",
            Fault::NeverBills => "C1",
            Fault::Skips(_) => "C2",
            Fault::StopsAt(_) => "C3",
            Fault::StartsAt(_) => "C4",
            Fault::LowQuantity(..) => "Q2",
            Fault::MisAdds(..) => "E1",
            Fault::HighPrice(..) | Fault::HighQuantity(..) | Fault::ForgetsDiscount(_) | Fault::BillsOn(_) => "O2",
            Fault::NeverPosts(_) => "C12",
            Fault::LeavesOut(_, code) => code,
            Fault::ForgetsFee => "C7",
            Fault::OldPrice(..) => "P9",
            Fault::OldTerms(_) => "Q6",
            Fault::TypesOver(..) => "P11",
            Fault::PostsLate(..) => "C11",
            Fault::Repeats(..) => "O1",
            Fault::OtherRhythm(_) => "C6",
            Fault::WrongShare(..) => "C10",
        }
    }
}

/// How the money of an invoice goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MoneyFault {
    /// Never pays (R1).
    Unpaid,
    /// Pays a part (R2).
    Short,
    /// Every attempt fails (R3).
    Failing,
    /// Pays, disputes the payment and gets it back (R4).
    Disputing,
    /// Never pays, and somebody gives it up without being entitled to (A2).
    GivenUp,
    /// Pays, and is credited a sum that nobody entitled to has agreed to (A1).
    Credited,
    /// Pays, and is credited the same twice (A1).
    CreditedTwice,
    /// Pays, and is credited more than was invoiced (A1).
    OverCredited,
}

impl MoneyFault {
    /// The code a run must report.
    pub fn code(self) -> &'static str {
        match self {
            MoneyFault::Unpaid => "R1",
            MoneyFault::Short => "R2",
            MoneyFault::Failing => "R3",
            MoneyFault::Disputing => "R4",
            MoneyFault::GivenUp => "A2",
            MoneyFault::Credited | MoneyFault::CreditedTwice | MoneyFault::OverCredited => "A1",
        }
    }
}

/// A decision about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its code, account, contract, contract line, product and subject.
    pub key: [String; 6],
    /// waived, confirmed or disputed.
    pub decision: &'static str,
    /// When.
    pub decided: NaiveDateTime,
    /// From when on it no longer holds.
    pub expires: Option<NaiveDate>,
}

impl Review {
    /// The finding's id.
    pub fn finding_id(&self) -> String {
        Md5::digest(self.key.join("|")).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Everything that is planted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaks {
    /// Faults by contract line id.
    pub lines: BTreeMap<String, Vec<Fault>>,
    /// Contract lines whose fault somebody approved: a deviation, not a leak.
    pub approved: BTreeSet<String>,
    /// Failures to pay by invoice id.
    pub invoices: BTreeMap<String, MoneyFault>,
}
