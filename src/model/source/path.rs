//! Where a value stands in an answer.

/// A path into a JSON value: `customer.id`, `data[*].lines.data[*]`, `fields[id=360001].value`, `items[0]`.
/// Of a column: `^.id` starts at the record that encloses the exploded array's element, `^^.id` one further out, `/meta.x` at the answer's
/// root, `#` is the element's 1-based position, `@key` the name under which a member of an object stood (`[*]` also walks objects),
/// `$parent.id` a value of the parent slice, `$window.start` the slice's bound, `$header.date` a response header. `a\.b` is a name with a dot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JsonPath {
    /// Where it starts.
    pub start: PathStart,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// Where a path starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PathStart {
    /// At the record, or for `records` at the answer.
    #[default]
    Here,
    /// So many enclosing records further out.
    Outer(usize),
    /// At the answer's root.
    Root,
    /// The element's position in its array, from 1.
    Position,
    /// The name of the member that the record is.
    MemberName,
    /// A value that is not in the answer: `parent.id`, `window.start`, `header.date`.
    Given(String),
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The member of this name.
    Member(String),
    /// The element at this position, from 0.
    Element(usize),
    /// Every element, or every member's value.
    Each,
    /// The first element whose member has this text.
    Where(String, String),
}
