//! The one place that builds DataFusion sessions: types, time zone, memory and spill are the same everywhere.

use crate::error::{Class, Error, Result};
use datafusion::catalog::MemorySchemaProvider;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows per batch, everywhere.
pub const BATCH_ROWS: usize = 8_192;

/// The schemas of a session beside the default one, which holds the models by bare name.
pub const SCHEMAS: [&str; 4] = ["provided", "published", "landed", "run"];

/// What the engine may use of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineConfig {
    /// Parallel partitions of a query; results do not depend on it.
    pub partitions: usize,
    /// Bytes that large operators may hold before they spill.
    pub memory_bytes: usize,
    /// Where they spill to; the system's temporary folder where none is given.
    pub spill_dir: Option<PathBuf>,
}

impl Default for EngineConfig {
    /// All cores; a quarter of what the container or the machine has, at least 512 MiB, though never more than half of it:
    /// buffers outside the pool, such as the batches in flight and the writer's row group, need room as well, and so do
    /// others.
    fn default() -> Self {
        EngineConfig {
            partitions: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            memory_bytes: container_limit()
                .or_else(machine_memory)
                .map_or(LEAST_MEMORY, |limit| (limit / 4).max(LEAST_MEMORY.min(limit / 2))),
            spill_dir: None,
        }
    }
}

const LEAST_MEMORY: usize = 512 << 20;

/// The memory limit of the control group (version 2) this process runs in; none where there is none.
fn container_limit() -> Option<usize> {
    std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok()?.trim().parse().ok()
}

/// The memory of the machine; none where the system does not say it as Linux does.
fn machine_memory() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kibibytes: usize =
        text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.split_whitespace().next()?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// A fresh session with empty schemas `provided`, `published`, `landed` and `run`.
///
/// # Errors
/// When the spill folder cannot be used.
pub fn session(config: &EngineConfig) -> Result<SessionContext> {
    let spill = match &config.spill_dir {
        Some(dir) => DiskManagerMode::Directories(vec![dir.clone()]),
        None => DiskManagerMode::OsTmpDirectory,
    };
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(pool(config.memory_bytes))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(spill))
        .with_object_list_cache_limit(0)
        .build_arc()
        .map_err(|error| Error::new(Class::TryAgain, "could not start the query engine").caused_by(error))?;
    let mut settings = SessionConfig::new()
        .with_target_partitions(config.partitions.max(1))
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(false);
    let options = settings.options_mut();
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.sql_parser.collect_spans = true;
    options.execution.sort_spill_reservation_bytes = merge_reserve(config.memory_bytes, config.partitions);
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.parquet.schema_force_view_types = false;
    // A join on several partitions that never reads one of them waits for that one's filter, and never ends.
    options.optimizer.enable_join_dynamic_filter_pushdown = false;
    options.optimizer.max_passes = 1;
    let state =
        SessionStateBuilder::new().with_config(settings).with_runtime_env(runtime).with_default_features().build();
    let context = SessionContext::new_with_state(state);
    let default_catalog = context.state().config_options().catalog.default_catalog.clone();
    let catalog = context.catalog(&default_catalog).ok_or_else(|| Error::bug("the session has no catalog"))?;
    for schema in SCHEMAS {
        catalog
            .register_schema(schema, Arc::new(MemorySchemaProvider::new()))
            .map_err(|error| Error::bug(format!("could not create the schema {schema}")).caused_by(error))?;
    }
    Ok(context)
}

/// The same session with `bytes` of memory of its own, so that what one query holds starves no other, and as many
/// parts side by side as `partitions` says.
///
/// # Errors
/// When the spill folder cannot be used.
pub fn with_own_memory(context: &SessionContext, bytes: usize, partitions: usize) -> Result<SessionContext> {
    let state = context.state();
    let runtime = RuntimeEnvBuilder::from_runtime_env(state.runtime_env())
        .with_memory_pool(pool(bytes))
        .build_arc()
        .map_err(|error| Error::new(Class::TryAgain, "could not start the query engine").caused_by(error))?;
    let mut settings = state.config().clone();
    settings = settings.with_target_partitions(partitions);
    settings.options_mut().execution.sort_spill_reservation_bytes = merge_reserve(bytes, partitions);
    // The catalog is the session's own: a default one made anew would take its tables away.
    settings.options_mut().catalog.create_default_catalog_and_schema = false;
    let state = SessionStateBuilder::new_from_existing(state).with_config(settings).with_runtime_env(runtime).build();
    Ok(SessionContext::new_with_state(state))
}

/// First come, first served: a fair share per operator would be a few megabytes, since a query of ours has up to a
/// hundred operators that may spill, of which few ever hold much.
fn pool(bytes: usize) -> Arc<dyn MemoryPool> {
    Arc::new(TrackConsumersPool::new(GreedyMemoryPool::new(bytes), NonZeroUsize::MIN.saturating_add(4)))
}

/// What every sort sets aside to merge what it spilled, before it has seen a row: a small pool must hold several.
fn merge_reserve(bytes: usize, partitions: usize) -> usize {
    (bytes / (32 * partitions.max(1))).min(10 << 20)
}
