//! Failure has classes, and a class fixes the exit code that Kubernetes acts on.

use std::fmt;
use std::path::PathBuf;

/// What kind of failure this is, which decides who must act and whether a retry can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The job file, a SQL file, an argument or an input's shape is wrong: somebody edits something. Exit code 64.
    Usage,
    /// Checks blocked publishing: the data is wrong. Exit code 65.
    Blocked,
    /// A source cannot be reached or read now. Exit code 69; a retry may help.
    Unavailable,
    /// An internal inconsistency: a bug in this program. Exit code 70.
    Bug,
    /// Another live run holds the lease, or another writer changed what this run was about to replace. Exit code 73.
    Conflict,
    /// A passing failure of the machine or an orderly stop on SIGTERM. Exit code 75; a retry may help.
    TryAgain,
}

impl Class {
    /// The process exit code (BSD `sysexits` numbers; part of the program's interface).
    pub fn exit_code(self) -> u8 {
        match self {
            Class::Usage => 64,
            Class::Blocked => 65,
            Class::Unavailable => 69,
            Class::Bug => 70,
            Class::Conflict => 73,
            Class::TryAgain => 75,
        }
    }
}

/// A place in a text file that a person can open: 1-based line and column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it (built-in SQL files as `sql/marts/obligation.sql`).
    pub file: PathBuf,
    /// 1-based line.
    pub line: usize,
    /// 1-based column in characters; 0 where only the line is known.
    pub column: usize,
    /// The offending line's text, shown under the message; may be empty.
    pub text: String,
    /// How many characters from `column` on to underline; 0 for none.
    pub width: usize,
}

impl Place {
    /// The place of byte range `span` in `content`, the text of `file`.
    pub fn in_text(file: impl Into<PathBuf>, content: &str, span: std::ops::Range<usize>) -> Self {
        let start = floor_char_boundary(content, span.start);
        let end = floor_char_boundary(content, span.end).max(start);
        let before = &content[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = content[start..].find('\n').map_or(content.len(), |at| start + at);
        Place {
            file: file.into(),
            line: before.matches('\n').count() + 1,
            column: content[line_start..start].chars().count() + 1,
            text: content[line_start..line_end].trim_end().to_owned(),
            width: content[start..end.min(line_end)].chars().count(),
        }
    }
}

fn floor_char_boundary(content: &str, at: usize) -> usize {
    let mut at = at.min(content.len());
    while !content.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A failure as a person sees it: what was tried on what, why it failed, where, and the way out.
#[derive(Debug, Clone)]
pub struct Error(Box<Failure>);

#[derive(Debug, Clone)]
struct Failure {
    class: Class,
    message: String,
    place: Option<Place>,
    help: Vec<String>,
    causes: Vec<String>,
    parts: Vec<Error>,
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure of `class`; `message` is a sentence without a final full stop.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Error(Box::new(Failure {
            class,
            message: message.into(),
            place: None,
            help: Vec::new(),
            causes: Vec::new(),
            parts: Vec::new(),
        }))
    }

    /// Several failures of one thing, such as every problem of a file, as one: of the first one's class. One failure
    /// alone stays itself.
    pub fn all(mut errors: Vec<Error>) -> Self {
        if errors.len() == 1
            && let Some(only) = errors.pop()
        {
            return only;
        }
        let class = errors.first().map_or(Class::Bug, Error::class);
        let mut whole = Error::new(class, format!("{} problems", errors.len()));
        whole.0.parts = errors;
        whole
    }

    /// The failures that this one is made of; itself where it is only one.
    pub fn parts(&self) -> &[Error] {
        if self.0.parts.is_empty() { std::slice::from_ref(self) } else { &self.0.parts }
    }

    /// Something the user wrote is wrong (64).
    pub fn usage(message: impl Into<String>) -> Self {
        Error::new(Class::Usage, message)
    }

    /// An internal inconsistency (70).
    pub fn bug(message: impl Into<String>) -> Self {
        Error::new(Class::Bug, message)
    }

    /// A file operation on `path` failed; `tried` is a verb phrase such as "read".
    pub fn io(tried: &str, path: impl AsRef<std::path::Path>, source: &std::io::Error) -> Self {
        Error::new(Class::TryAgain, format!("could not {tried} {}", path.as_ref().display())).caused_by(source)
    }

    /// Points at the place in the user's file.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.0.place = Some(place);
        self
    }

    /// Adds a way out; several are shown one per line.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help.push(help.into());
        self
    }

    /// Adds the cause below this failure.
    #[must_use]
    pub fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.0.causes.push(cause.to_string());
        self
    }

    /// The same failure in another class.
    #[must_use]
    pub fn class_as(mut self, class: Class) -> Self {
        self.0.class = class;
        self
    }

    /// What kind of failure this is.
    pub fn class(&self) -> Class {
        self.0.class
    }

    /// The sentence that says what failed.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where in the user's file, if it is about one.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.message)?;
        if let Some(place) = &self.0.place {
            write!(f, "\n  --> {}:{}", place.file.display(), place.line)?;
            if place.column > 0 {
                write!(f, ":{}", place.column)?;
            }
            if !place.text.is_empty() {
                let gutter = place.line.to_string();
                write!(f, "\n {gutter} | {}", place.text)?;
                if place.width > 0 {
                    // A tab stays a tab, so that the caret stands under what it points at.
                    let before = place.text.chars().take(place.column.saturating_sub(1));
                    let blank: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
                    write!(f, "\n {} | {blank}{}", " ".repeat(gutter.len()), "^".repeat(place.width))?;
                }
            }
        }
        for cause in &self.0.causes {
            write!(f, "\n  because: {cause}")?;
        }
        for help in &self.0.help {
            write!(f, "\n  help: {help}")?;
        }
        for part in &self.0.parts {
            write!(f, "\n\n{part}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
/// An error of a library with all that caused it, in one line.
pub fn reasons(error: &dyn std::error::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
}
