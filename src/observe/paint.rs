//! Colours, for terminals only.

use std::io::IsTerminal;

/// How text is set off. Nothing here carries meaning that the words do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Headings and totals.
    Bold,
    /// What may be skipped.
    Dim,
    /// Bad.
    Red,
    /// Middling.
    Yellow,
    /// Good.
    Green,
}

/// Paints, or leaves text as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    is_on: bool,
}

impl Paint {
    /// No colours.
    pub const PLAIN: Paint = Paint { is_on: false };
    /// Colours.
    pub const COLOUR: Paint = Paint { is_on: true };

    /// Colours where standard output is a terminal and `NO_COLOR` is unset or empty (no-color.org).
    pub fn stdout() -> Paint {
        Paint::on(std::io::stdout().is_terminal())
    }

    /// Colours where standard error is a terminal and `NO_COLOR` is unset or empty.
    pub fn stderr() -> Paint {
        Paint::on(std::io::stderr().is_terminal())
    }

    // The wish of a terminal's user, which changes no result: it is not a setting of the job, and is asked for here.
    fn on(is_terminal: bool) -> Paint {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Paint { is_on: is_terminal && !refused && !is_dumb }
    }

    /// `text` in `ink`.
    pub fn ink(self, ink: Ink, text: &str) -> String {
        if !self.is_on || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Red => "31",
            Ink::Yellow => "33",
            Ink::Green => "32",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
