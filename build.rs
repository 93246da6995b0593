//! Rebuilds when a SQL file comes, goes or changes: `include_dir!` only sees the files that were there.

#[expect(clippy::print_stdout, reason = "this is how a build script talks to cargo")]
fn main() {
    println!("cargo:rerun-if-changed=sql");
}
