//! A private folder, the real binary, and what can be said about its answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What the clock shows in every test: the morning after the last date computed.
const NOW: &str = "2026-07-01T06:00:00Z";

/// A folder of its own for each test, removed at the end.
pub struct World {
    dir: tempfile::TempDir,
}

impl World {
    /// An empty folder.
    pub fn new() -> Self {
        World { dir: tempfile::tempdir().unwrap() }
    }

    /// A small company in three files, and a job over them that publishes to `warehouse`.
    pub fn small_company() -> Self {
        let world = World::new();
        world
            .file("data/account.csv", "account_id,name,currency\na-1,Ada,USD\na-2,Bob,USD\n")
            .file("data/ticket.csv", "ticket_id,account_id,created_at,priority\nt-1,a-1,2026-06-03T10:00:00Z,high\n")
            .file("data/usage_event.csv", usage_events())
            .file("job.toml", files_job("small", &["account", "ticket", "usage_event"], ""));
        world
    }

    /// The folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// The binary, called with `arguments` in the folder.
    pub fn tailwater(&self, arguments: &[&str]) -> Call {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tailwater"));
        command.args(arguments).current_dir(self.dir.path());
        // A test sees nothing of the machine's own settings.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TAILWATER_NOW", NOW);
        Call { command, wanted: Vec::new(), status: Some(0) }
    }

    /// SHA-256 of every file under `folder`, by path; files about runs and the program's own are left out.
    pub fn public_files(&self, folder: &str) -> BTreeMap<String, String> {
        let root = self.path(folder);
        let about_runs = ["_tailwater", "run_history", "table_history", "check_result"];
        let mut found = BTreeMap::new();
        for path in files_under(&root) {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            if about_runs.iter().any(|table| name.split('/').next() == Some(table)) {
                continue;
            }
            let (hash, _) = tailwater::store::sha256_file(&path).unwrap();
            found.insert(name, hash);
        }
        found
    }
}

/// Every file under `root`, sorted.
pub fn files_under(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_under(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A job over `data/<entity>.csv`, with more TOML at the end.
pub fn files_job(name: &str, entities: &[&str], more: &str) -> String {
    let mut text = format!(
        "name = \"{name}\"\nschedule = \"0 5 * * *\"\ntimezone = \"Etc/UTC\"\nwarehouse = \"warehouse\"\n\n\
         [company]\ncurrency = \"USD\"\n\n{more}\n[sources.files]\nsystem = \"files\"\n"
    );
    for entity in entities {
        text.push_str(&format!("\n[[sources.files.inputs]]\npath = \"data/{entity}.csv\"\nentity = \"{entity}\"\n"));
    }
    text
}

/// Three months of events of two accounts, more on weekdays.
fn usage_events() -> String {
    let mut text = String::from("event_id,account_id,user_id,name,feature,metric,occurred_at\n");
    let mut number = 0;
    for day in 0..91 {
        let (month, day_of_month) = match day {
            0..30 => (4, day + 1),
            30..61 => (5, day - 29),
            _ => (6, day - 60),
        };
        for account in ["a-1", "a-2"] {
            for event in 0..(if day % 7 < 5 { 6 } else { 2 }) {
                number += 1;
                text.push_str(&format!(
                    "e-{number},{account},u-{},open,report,actions,2026-{month:02}-{day_of_month:02}T{:02}:00:00Z\n",
                    event % 3,
                    8 + event
                ));
            }
        }
    }
    text
}

/// One call of the binary and what must hold of its answer.
pub struct Call {
    command: Command,
    wanted: Vec<Wanted>,
    status: Option<i32>,
}

enum Wanted {
    Stdout(String),
    Stderr(String),
}

/// What came back.
pub struct Answer {
    pub stdout: String,
    pub stderr: String,
    pub status: Option<i32>,
}

impl Call {
    /// One more argument.
    pub fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// Settings for the binary's environment.
    pub fn envs(mut self, settings: &[(String, String)]) -> Self {
        self.command.envs(settings.iter().map(|(name, value)| (name, value)));
        self
    }

    /// The exit code that is due; 0 where nothing is said.
    pub fn status(mut self, status: i32) -> Self {
        self.status = Some(status);
        self
    }

    /// Any exit code will do.
    pub fn any_status(mut self) -> Self {
        self.status = None;
        self
    }

    /// Text that standard output holds.
    pub fn stdout(mut self, text: &str) -> Self {
        self.wanted.push(Wanted::Stdout(text.to_owned()));
        self
    }

    /// Text that standard error holds.
    pub fn stderr(mut self, text: &str) -> Self {
        self.wanted.push(Wanted::Stderr(text.to_owned()));
        self
    }

    /// Calls, waits and compares.
    pub fn run(mut self) -> Answer {
        let output = self.command.stdin(Stdio::null()).output().unwrap();
        let answer = Answer {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: output.status.code(),
        };
        let shown = || {
            format!(
                "{:?}\nexit code {:?}\n--- stdout\n{}\n--- stderr\n{}",
                self.command, answer.status, answer.stdout, answer.stderr
            )
        };
        if self.status.is_some() {
            assert_eq!(answer.status, self.status, "{}", shown());
        }
        for wanted in &self.wanted {
            let (text, stream, name) = match wanted {
                Wanted::Stdout(text) => (text, &answer.stdout, "stdout"),
                Wanted::Stderr(text) => (text, &answer.stderr, "stderr"),
            };
            assert!(stream.contains(text.as_str()), "{name} lacks {text:?}\n{}", shown());
        }
        answer
    }

    /// Calls and does not wait; its log is for the caller to read.
    pub fn spawn_heard(mut self) -> Child {
        self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Calls and does not wait; what it says is thrown away.
    pub fn spawn(mut self) -> Child {
        self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}
