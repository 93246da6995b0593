//! Paths followed through a document: from an answer to its records, from a record to its values.

use super::doc::{Kind, Value};
use crate::model::source::path::Step;

/// Calls `visit` with every value that `steps` lead to; nulls included.
pub(super) fn each<'d>(value: Value<'d>, steps: &[Step], visit: &mut dyn FnMut(Value<'d>)) {
    match steps.split_first() {
        None => visit(value),
        Some((Step::Each, rest)) => match value.kind() {
            Kind::Object => value.members().for_each(|(_, member)| each(member, rest, visit)),
            _ => value.elements().for_each(|element| each(element, rest, visit)),
        },
        Some((step, rest)) => {
            if let Some(next) = one_step(value, step) {
                each(next, rest, visit);
            }
        }
    }
}

/// The first value that is not null; none where there is none.
pub(super) fn first<'d>(value: Value<'d>, steps: &[Step]) -> Option<Value<'d>> {
    if !steps.contains(&Step::Each) {
        let found = steps.iter().try_fold(value, one_step)?;
        return Some(found).filter(|found| !found.is_null());
    }
    let mut found = None;
    each(value, steps, &mut |value| {
        if found.is_none() && !value.is_null() {
            found = Some(value);
        }
    });
    found
}

fn one_step<'d>(value: Value<'d>, step: &Step) -> Option<Value<'d>> {
    match step {
        Step::Member(name) => value.member(name),
        Step::Element(at) => value.elements().nth(*at),
        Step::Where(name, text) => {
            value.elements().find(|element| element.member(name).is_some_and(|member| member.is(text)))
        }
        Step::Each => None,
    }
}

/// Where a stream's records stand in an answer.
#[derive(Debug, Clone)]
pub(super) struct Records {
    steps: Vec<Step>,
    /// For every step: whether the value it leads to is a record that encloses those below it.
    is_point: Vec<bool>,
}

/// A record with what it stands in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'d, 'c> {
    pub value: Value<'d>,
    /// The records around it, outermost first.
    pub chain: &'c [Value<'d>],
    /// From 1; 0 where it is no element.
    pub position: usize,
    /// The name it stood under, where it was an object's member.
    pub key: Option<Value<'d>>,
    pub root: Value<'d>,
}

/// What takes records; it fails to stop the walk.
pub(super) type Visit<'v, 'd, E> = &'v mut dyn FnMut(Record<'d, '_>) -> Result<(), E>;

impl Records {
    /// `steps` of a stream; `host` are those of the stream it is inside of.
    pub fn new(steps: &[Step], host: Option<&[Step]>) -> Self {
        let mut is_point: Vec<bool> = steps.iter().map(|step| *step == Step::Each).collect();
        // Where the outer stream's record is a member of the exploded element, that record encloses, not the element.
        if let Some(host) = host
            && host.len() < steps.len()
            && steps.starts_with(host)
            && host.last().is_some_and(|step| *step != Step::Each)
            && steps.get(host.len()) != Some(&Step::Each)
        {
            if let Some(exploded) = host.iter().rposition(|step| *step == Step::Each)
                && let Some(point) = is_point.get_mut(exploded)
            {
                *point = false;
            }
            if let Some(point) = is_point.get_mut(host.len() - 1) {
                *point = true;
            }
        }
        Records { steps: steps.to_vec(), is_point }
    }

    /// The names that lead to the first array (or object) that is taken apart; none where a step is no name.
    pub fn names(&self) -> Option<Vec<&str>> {
        let until = self.split();
        let names = self.steps.iter().take(until).map(|step| match step {
            Step::Member(name) => Some(name.as_str()),
            _ => None,
        });
        names.collect()
    }

    /// How many steps lead there.
    fn split(&self) -> usize {
        self.steps.iter().position(|step| *step == Step::Each).unwrap_or(self.steps.len())
    }

    /// Whether members of an object are taken apart there, as elements of an array are.
    pub fn takes_members(&self) -> bool {
        self.split() < self.steps.len()
    }

    /// Every record of a whole answer.
    pub fn walk<'d, E>(&self, root: Value<'d>, visit: Visit<'_, 'd, E>) -> Result<(), E> {
        let mut chain = Vec::new();
        self.from(root, 0, &mut chain, Place { position: 0, key: None, root }, visit)
    }

    /// Every record of one element of the first array; `root` is the answer without those elements.
    pub fn walk_element<'d, E>(
        &self,
        element: Value<'d>,
        root: Value<'d>,
        position: usize,
        key: Option<Value<'d>>,
        visit: Visit<'_, 'd, E>,
    ) -> Result<(), E> {
        let place = Place { position, key, root };
        let mut chain = Vec::new();
        let at = self.split();
        if at == self.steps.len() {
            return visit(Record { value: element, chain: &chain, position, key, root });
        }
        self.below(element, at, &mut chain, place, visit)
    }

    fn from<'d, E>(
        &self,
        value: Value<'d>,
        at: usize,
        chain: &mut Vec<Value<'d>>,
        place: Place<'d>,
        visit: Visit<'_, 'd, E>,
    ) -> Result<(), E> {
        let Some(step) = self.steps.get(at) else {
            return self.end(value, chain, place, visit);
        };
        match (step, value.kind()) {
            (Step::Each, Kind::Object) => value.members().enumerate().try_for_each(|(position, (key, member))| {
                let place = Place { position: position + 1, key: Some(key), ..place };
                self.below(member, at, chain, place, visit)
            }),
            (Step::Each, _) => value.elements().enumerate().try_for_each(|(position, element)| {
                self.below(element, at, chain, Place { position: position + 1, key: None, ..place }, visit)
            }),
            _ => match one_step(value, step) {
                Some(next) => self.below(next, at, chain, place, visit),
                None => Ok(()),
            },
        }
    }

    /// Goes on below what step `at` led to.
    fn below<'d, E>(
        &self,
        value: Value<'d>,
        at: usize,
        chain: &mut Vec<Value<'d>>,
        place: Place<'d>,
        visit: Visit<'_, 'd, E>,
    ) -> Result<(), E> {
        let encloses = at + 1 < self.steps.len() && self.is_point.get(at) == Some(&true);
        if encloses {
            chain.push(value);
        }
        let walked = self.from(value, at + 1, chain, place, visit);
        if encloses {
            chain.pop();
        }
        walked
    }

    fn end<'d, E>(
        &self,
        value: Value<'d>,
        chain: &[Value<'d>],
        place: Place<'d>,
        visit: Visit<'_, 'd, E>,
    ) -> Result<(), E> {
        let Place { position, key, root } = place;
        match value.kind() {
            Kind::Null => Ok(()),
            // The array at the path's end is the list of records, unless it was itself an element.
            Kind::Array if self.steps.last() != Some(&Step::Each) => value
                .elements()
                .enumerate()
                .try_for_each(|(at, value)| visit(Record { value, chain, position: at + 1, key: None, root })),
            _ => visit(Record { value, chain, position, key, root }),
        }
    }
}

#[derive(Clone, Copy)]
struct Place<'d> {
    position: usize,
    key: Option<Value<'d>>,
    root: Value<'d>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::api::doc::Index;
    use crate::model::source::path::JsonPath;

    fn steps(path: &str) -> Vec<Step> {
        JsonPath::parse(path).unwrap().steps
    }

    fn found(text: &str, path: &str) -> Option<String> {
        let mut index = Index::default();
        let root = index.parse(text.as_bytes()).unwrap();
        first(root, &steps(path)).map(|value| String::from_utf8(value.json().to_vec()).unwrap())
    }

    #[test]
    fn values_are_found_by_name_place_and_sibling() {
        let text =
            r#"{"a":{"b":[1,{"c":"x\u00e9"}]},"f":[{"id":7,"v":"seven"},{"id":"8","v":null}],"n\/m":true,"d.e":2}"#;
        assert_eq!(found(text, "a.b[0]").as_deref(), Some("1"));
        assert_eq!(found(text, "a.b[1].c").as_deref(), Some(r#""x\u00e9""#));
        assert_eq!(found(text, "f[id=7].v").as_deref(), Some("\"seven\""));
        assert_eq!(found(text, "f[id=8].v"), None);
        assert_eq!(found(text, "f[*].v").as_deref(), Some("\"seven\""));
        assert_eq!(found(text, "n/m").as_deref(), Some("true"));
        assert_eq!(found(text, "d\\.e").as_deref(), Some("2"));
        assert_eq!(found(text, "a.b.c"), None);
    }

    #[test]
    fn records_know_what_they_stand_in() {
        let text = r#"{"list":[{"inv":{"id":1,"lines":[{"n":"a"},{"n":"b"}]}},{"inv":{"id":2,"lines":[]}}],
            "map":{"k1":{"v":1},"k2":{"v":2}}}"#;
        let mut index = Index::default();
        let root = index.parse(text.as_bytes()).unwrap();
        let walk = |path: &str, host: Option<&str>| {
            let host = host.map(steps);
            let records = Records::new(&steps(path), host.as_deref());
            let mut seen = Vec::new();
            let walked: Result<(), ()> = records.walk(root, &mut |record| {
                let outer = record.chain.last().map(|value| String::from_utf8_lossy(value.raw()).into_owned());
                let key = record.key.map(|key| String::from_utf8_lossy(key.raw()).into_owned());
                let raw = String::from_utf8_lossy(record.value.raw()).into_owned();
                seen.push((raw, outer.map(|outer| outer.chars().take(6).collect::<String>()), record.position, key));
                Ok(())
            });
            walked.unwrap();
            seen
        };
        let lines = walk("list[*].inv.lines[*]", Some("list[*].inv"));
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1], (r#"{"n":"b"}"#.to_owned(), Some(r#"{"id":"#.to_owned()), 2, None));
        assert_eq!(walk("list[*].inv.lines", None)[0].1.as_deref(), Some(r#"{"inv""#));
        assert_eq!(walk("list[*].inv", None)[1].2, 2);
        assert_eq!(walk("map[*]", None)[1], (r#"{"v":2}"#.to_owned(), None, 2, Some("k2".to_owned())));
        assert_eq!(walk("", None).len(), 1);
        assert_eq!(walk("missing", None).len(), 0);
    }
}
