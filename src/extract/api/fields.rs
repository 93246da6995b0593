//! The values of one record by path: of a JSON record in one walk over its members, of a line of fields by name.

use super::doc::{Kind, Value};
use super::typed::joined;
use super::walk::{self, Record};
use crate::model::source::path::{JsonPath, PathStart, Step};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// What stands at a path.
pub(super) enum Cell<'d> {
    Null,
    Text(Cow<'d, str>),
    Value(Value<'d>),
}

/// A record's values.
pub(super) trait Fields<'d> {
    fn cell(&self, path: &PathPlan) -> Cell<'d>;
}

/// How a path is followed.
#[derive(Debug)]
pub(super) struct PathPlan {
    path: JsonPath,
    /// The place of its value among those that one walk over the record finds.
    slot: Option<usize>,
    /// The path's names joined by dots, as headers of fields spell it.
    name: String,
}

impl PathPlan {
    /// The name of a value that is not in the answer.
    pub fn given(&self) -> Option<&str> {
        match &self.path.start {
            PathStart::Given(name) => Some(name),
            _ => None,
        }
    }
}

/// The paths that are names only, as a tree, so that one walk over a record finds them all.
#[derive(Debug, Default)]
pub(super) struct Trie {
    roots: Vec<Branch>,
    slots: usize,
}

#[derive(Debug)]
struct Branch {
    name: String,
    slot: Option<usize>,
    below: Vec<Branch>,
}

impl Trie {
    /// Takes a path in.
    pub fn plan(&mut self, path: &JsonPath) -> PathPlan {
        let names: Option<Vec<&str>> = path
            .steps
            .iter()
            .map(|step| match step {
                Step::Member(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let name = names.as_ref().map(|names| names.join(".")).unwrap_or_default();
        let slot = names
            .filter(|names| path.start == PathStart::Here && !names.is_empty())
            .map(|names| insert(&mut self.roots, &names, &mut self.slots));
        PathPlan { path: path.clone(), slot: slot.flatten(), name }
    }

    /// Fills `found` with the record's values at the tree's paths, as places in the document.
    pub fn find(&self, record: Value<'_>, found: &mut Vec<u32>) {
        found.clear();
        found.resize(self.slots, u32::MAX);
        find(&self.roots, record, found);
    }
}

fn insert(branches: &mut Vec<Branch>, names: &[&str], slots: &mut usize) -> Option<usize> {
    let (name, rest) = names.split_first()?;
    let at = branches.iter().position(|branch| branch.name == *name).unwrap_or_else(|| {
        branches.push(Branch { name: (*name).to_owned(), slot: None, below: Vec::new() });
        branches.len() - 1
    });
    let branch = branches.get_mut(at)?;
    if !rest.is_empty() {
        return insert(&mut branch.below, rest, slots);
    }
    Some(*branch.slot.get_or_insert_with(|| {
        *slots += 1;
        *slots - 1
    }))
}

fn find(branches: &[Branch], object: Value<'_>, found: &mut [u32]) {
    // Members mostly come in the order of the description: the search goes on where the last one was found.
    let mut next = 0;
    for (key, value) in object.members() {
        let (before, after) = branches.split_at(next.min(branches.len()));
        let is_it = |branch: &&Branch| key.is(&branch.name);
        let at = match after.iter().position(|branch| is_it(&branch)) {
            Some(at) => next + at,
            None => match before.iter().position(|branch| is_it(&branch)) {
                Some(at) => at,
                None => continue,
            },
        };
        next = at + 1;
        let Some(branch) = branches.get(at) else { continue };
        if let Some(slot) = branch.slot.and_then(|slot| found.get_mut(slot)) {
            *slot = value.place();
        }
        if !branch.below.is_empty() && value.kind() == Kind::Object {
            find(&branch.below, value, found);
        }
    }
}

/// Values of the answer's surroundings by name: `parent.id`, `window.start`, `header.date`.
pub(super) type Given = BTreeMap<String, String>;

/// A JSON record.
pub(super) struct JsonFields<'d, 'c, 'g> {
    pub record: Record<'d, 'c>,
    /// What [`Trie::find`] found in it.
    pub found: &'g [u32],
    pub given: &'g Given,
    /// Names of the elements, where the record is an array.
    pub names: Option<&'g HashMap<String, usize>>,
}

impl<'d> Fields<'d> for JsonFields<'d, '_, '_> {
    fn cell(&self, path: &PathPlan) -> Cell<'d> {
        if let (Some(slot), None) = (path.slot, self.names) {
            return match self.found.get(slot) {
                Some(place) if *place != u32::MAX => Cell::Value(self.record.value.elsewhere(*place)),
                _ => Cell::Null,
            };
        }
        let steps = path.path.steps.as_slice();
        match &path.path.start {
            PathStart::Here => match self.names {
                Some(names) => self.of_row(names, steps),
                None => of_steps(Some(self.record.value), steps),
            },
            PathStart::Outer(levels) => {
                let chain = self.record.chain;
                of_steps(chain.len().checked_sub(*levels).and_then(|at| chain.get(at)).copied(), steps)
            }
            PathStart::Root => of_steps(Some(self.record.root), steps),
            PathStart::Position => Cell::Text(Cow::Owned(self.record.position.to_string())),
            PathStart::MemberName => match self.record.key.and_then(|key| key.scalar()) {
                Some(name) => Cell::Text(name),
                None => Cell::Null,
            },
            PathStart::Given(name) => of_given(self.given, name),
        }
    }
}

impl<'d> JsonFields<'d, '_, '_> {
    fn of_row(&self, names: &HashMap<String, usize>, steps: &[Step]) -> Cell<'d> {
        let Some((Step::Member(name), rest)) = steps.split_first() else { return Cell::Null };
        let element = names.get(name).and_then(|at| self.record.value.elements().nth(*at));
        of_steps(element, rest)
    }
}

fn of_steps<'d>(value: Option<Value<'d>>, steps: &[Step]) -> Cell<'d> {
    let Some(value) = value else { return Cell::Null };
    if !steps.contains(&Step::Each) {
        return walk::first(value, steps).map_or(Cell::Null, Cell::Value);
    }
    let mut all = Vec::new();
    walk::each(value, steps, &mut |value| all.push(value));
    all.retain(|value| !value.is_null());
    match all.as_slice() {
        [] => Cell::Null,
        [only] => Cell::Value(*only),
        several => joined(several.iter().copied()).map_or(Cell::Null, Cell::Text),
    }
}

fn of_given<'d>(given: &Given, name: &str) -> Cell<'d> {
    given.get(name).map_or(Cell::Null, |text| Cell::Text(Cow::Owned(text.clone())))
}

/// A line of fields under a header.
pub(super) struct TextFields<'d, 'g> {
    pub texts: &'g [&'d str],
    pub names: &'g HashMap<String, usize>,
    pub number: u64,
    pub given: &'g Given,
}

impl<'d> Fields<'d> for TextFields<'d, '_> {
    fn cell(&self, path: &PathPlan) -> Cell<'d> {
        match &path.path.start {
            PathStart::Position => Cell::Text(Cow::Owned(self.number.to_string())),
            PathStart::Given(name) => of_given(self.given, name),
            PathStart::Here => match self.names.get(&path.name).and_then(|at| self.texts.get(*at)) {
                Some(text) if !text.is_empty() => Cell::Text(Cow::Borrowed(text)),
                _ => Cell::Null,
            },
            _ => Cell::Null,
        }
    }
}
