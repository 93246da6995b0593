//! The made-up company's own people.

use super::Activity;
use super::calendar::Day;
use super::draw::Draw;
use super::words::person_name;
use crate::sample::company::{Company, staff_id};
use crate::sample::table::{Cell, Rows};

/// Head of sales, head of customer success, head of finance.
const EXECUTIVES: [&str; 3] = ["exec-01", "exec-02", "exec-03"];

/// Somebody who works, or worked, for the company.
pub(super) struct Person {
    /// `csm-01`, `ae-02` and so on.
    pub id: String,
    role: &'static str,
    manager_id: Option<String>,
    backup_id: Option<String>,
    left: Option<Day>,
}

/// Everybody who ever works for the company, by team.
pub(super) fn people(company: &Company, key: u64, start: Day) -> Vec<Person> {
    let support = (company.spec.accounts / 60).clamp(2, 99);
    let teams = [
        ("csm", "csm", company.csm_count, 1),
        ("am", "account_manager", company.account_manager_count, 1),
        ("ae", "sales", company.sales_count, 0),
        ("fin", "finance", 3, 2),
        ("sup", "support", support, 1),
        ("ops", "revops", 2, 0),
    ];
    let mut result = Vec::new();
    for (prefix, role, count, executive) in teams {
        let lead = staff_id(prefix, 0);
        for number in 0..u64::from(count) {
            let id = staff_id(prefix, number);
            let mut draw = Draw::of(key, &id, 0);
            // Team leads stay; of the others one in seven leaves within the first two years.
            let leaves = number > 0 && count > 2 && draw.chance(0.14);
            let left = leaves.then(|| start + draw.whole(150, 730));
            let manager_id =
                if number == 0 { EXECUTIVES.get(executive).map(|id| (*id).to_owned()) } else { Some(lead.clone()) };
            let backup = staff_id(prefix, if number == 0 { u64::from(count) - 1 } else { 0 });
            result.push(Person { backup_id: (backup != id).then_some(backup), id, role, manager_id, left });
        }
    }
    result.extend(EXECUTIVES.iter().map(|id| Person {
        id: (*id).to_owned(),
        role: "executive",
        manager_id: None,
        backup_id: None,
        left: None,
    }));
    result
}

impl Activity<'_> {
    /// Who acts for `person_id` on `day`: the person, or the backup of one who has left.
    pub(super) fn acting(&self, person_id: &str, day: Day) -> &str {
        let person = self.people.iter().find(|person| person.id == person_id);
        match person {
            Some(Person { left: Some(left), backup_id: Some(backup), .. }) if day >= *left => backup,
            Some(person) => &person.id,
            None => "csm-01",
        }
    }
}

/// Everybody, active or not as of the horizon.
pub(super) fn rows(activity: &Activity<'_>) -> Rows<7> {
    let mut rows = Rows::new(["person_id", "name", "email", "role", "manager_id", "backup_id", "is_active"]);
    for person in &activity.people {
        let (first, last) = person_name(&mut Draw::of(activity.key, &person.id, 1));
        rows.push([
            (&person.id).into(),
            format!("{first} {last}").into(),
            format!("{}@tributary.example", person.id).into(),
            person.role.into(),
            person.manager_id.as_ref().map_or(Cell::Null, Into::into),
            person.backup_id.as_ref().map_or(Cell::Null, Into::into),
            person.left.is_none_or(|left| left > activity.horizon).into(),
        ]);
    }
    rows
}
