//! Rebuilds when a SQL file comes, goes or changes: `include_dir!` only sees the files that were there.

fn main() {
    println!("cargo:rerun-if-changed=sql");
}
