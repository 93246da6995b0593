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

impl JsonPath {
    /// Parses a path as it is written in a `source.toml`.
    ///
    /// # Errors
    /// What is wrong with it, and where: the byte it begins at.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let (start, at) = match text.as_bytes() {
            b"#" => return Ok(JsonPath { start: PathStart::Position, steps: Vec::new() }),
            b"@key" => return Ok(JsonPath { start: PathStart::MemberName, steps: Vec::new() }),
            [b'$', ..] => {
                let start = PathStart::Given(text[1..].to_owned());
                return Ok(JsonPath { start, steps: Vec::new() });
            }
            [b'/', ..] => (PathStart::Root, 1),
            [b'^', ..] => {
                let levels = text.len() - text.trim_start_matches('^').len();
                let dot = usize::from(text[levels..].starts_with('.'));
                if dot == 0 && text.len() > levels {
                    return Err((levels, "`^` is followed by `.`".to_owned()));
                }
                if dot == 1 && text.len() == levels + 1 {
                    return Err((levels, "the path ends in `.`".to_owned()));
                }
                (PathStart::Outer(levels), levels + dot)
            }
            _ => (PathStart::Here, 0),
        };
        Ok(JsonPath { start, steps: Steps { text, at }.all()? })
    }

    /// Whether it may stand for several values.
    pub fn is_many(&self) -> bool {
        self.steps.contains(&Step::Each)
    }
}

/// The steps of a path under examination.
struct Steps<'a> {
    text: &'a str,
    at: usize,
}

impl Steps<'_> {
    fn all(mut self) -> Result<Vec<Step>, (usize, String)> {
        let mut steps = Vec::new();
        // Where brackets came last, a dot must follow before the next name.
        let mut wants_name = true;
        while let Some(next) = self.text[self.at..].chars().next() {
            match next {
                '[' => {
                    steps.push(self.bracket()?);
                    wants_name = false;
                }
                '.' if !wants_name && self.at + 1 < self.text.len() => {
                    self.at += 1;
                    wants_name = true;
                }
                '.' => return Err((self.at, "a name is missing beside this `.`".to_owned())),
                _ if wants_name => {
                    steps.push(Step::Member(self.name()?));
                    wants_name = false;
                }
                _ => return Err((self.at, "a `.` is missing before this name".to_owned())),
            }
        }
        Ok(steps)
    }

    /// A name up to the next dot or bracket; a backslash takes the next character as it is.
    fn name(&mut self) -> Result<String, (usize, String)> {
        let mut name = String::new();
        let mut chars = self.text[self.at..].char_indices();
        let start = self.at;
        self.at = self.text.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '.' | '[' => {
                    self.at = start + at;
                    break;
                }
                ']' => return Err((start + at, "a `]` without `[`".to_owned())),
                '\\' => match chars.next() {
                    Some((_, escaped)) => name.push(escaped),
                    None => return Err((start + at, "nothing follows the backslash".to_owned())),
                },
                other => name.push(other),
            }
        }
        Ok(name)
    }

    /// `[*]`, `[0]` or `[name=text]`.
    fn bracket(&mut self) -> Result<Step, (usize, String)> {
        let open = self.at;
        let rest = &self.text[open + 1..];
        let close = rest.find(']').ok_or_else(|| (open, "this `[` is not closed".to_owned()))?;
        let inner = &rest[..close];
        self.at = open + close + 2;
        match inner.split_once('=') {
            Some((name, text)) if !name.is_empty() => Ok(Step::Where(name.to_owned(), text.to_owned())),
            None if inner == "*" => Ok(Step::Each),
            _ => match inner.parse() {
                Ok(position) => Ok(Step::Element(position)),
                Err(_) => {
                    let told = format!("`[{inner}]` is neither [*], a position such as [0], nor [name=text]");
                    Err((open, told))
                }
            },
        }
    }
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
