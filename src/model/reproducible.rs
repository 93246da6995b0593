//! Rules that make a result depend on the rows alone: same bytes on any machine, with any number of cores.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction};
use datafusion::logical_expr::{Distinct, Expr, ExprSchemable, LogicalPlan, Volatility, WindowFunctionDefinition};
use std::collections::BTreeSet;

/// A word of the query that breaks a rule, and why it does.
pub type Breach = (String, &'static str);

/// Aggregates that add up: over floats their result depends on the order of rows, hence on the number of cores. Counting
/// and order statistics (min, max, median, percentiles) do not.
const ADDITIVE: [&str; 13] = [
    "sum",
    "avg",
    "mean",
    "stddev",
    "stddev_samp",
    "stddev_pop",
    "var",
    "var_samp",
    "var_pop",
    "corr",
    "covar",
    "covar_samp",
    "covar_pop",
];

/// Aggregates whose result is the order of rows.
const ORDERED: [&str; 5] = ["array_agg", "string_agg", "first_value", "last_value", "nth_value"];

/// Window functions that number or compare rows.
const ORDERED_WINDOWS: [&str; 7] = ["row_number", "lag", "lead", "ntile", "first_value", "last_value", "nth_value"];

const FLOATS: &str = "adds floats up, which gives other digits on other machines; add decimals, then divide once";
const ORDER: &str = "needs an order by a unique key, or its result depends on the number of cores";
const CLOCK: &str = "reads the clock; the run's date is cast($as_of as date)";
const RANDOM: &str = "gives other values on every run";
const APPROXIMATE: &str = "is approximate, and its result depends on the number of cores";

/// Every breach in an analysed plan, subqueries included.
pub fn breaches(plan: &LogicalPlan) -> Result<BTreeSet<Breach>> {
    let mut found = BTreeSet::new();
    plan.apply_with_subqueries(|node| {
        found.extend(unordered_node(node));
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                found.extend(expression_breach(part, node));
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

fn unordered_node(node: &LogicalPlan) -> Option<Breach> {
    match node {
        LogicalPlan::Distinct(Distinct::On(on)) if on.sort_expr.is_none() => Some(("distinct".to_owned(), ORDER)),
        LogicalPlan::Limit(limit) if !matches!(limit.input.as_ref(), LogicalPlan::Sort(_)) => {
            // A projection may stand between: `select a from t order by b limit 1`.
            let sorted = limit.input.inputs().iter().any(|input| matches!(input, LogicalPlan::Sort(_)));
            (!sorted).then(|| ("limit".to_owned(), ORDER))
        }
        _ => None,
    }
}

fn expression_breach(expression: &Expr, node: &LogicalPlan) -> Option<Breach> {
    match expression {
        Expr::AggregateFunction(AggregateFunction { func, params }) => {
            let name = func.name();
            if name.starts_with("approx_") {
                return Some((name.to_owned(), APPROXIMATE));
            }
            let unordered = ORDERED.contains(&name) && params.order_by.is_empty();
            unordered.then(|| (name.to_owned(), ORDER)).or_else(|| float_sum(name, &params.args, node))
        }
        Expr::WindowFunction(window) => {
            let WindowFunction { fun, params } = window.as_ref();
            let name = fun.name();
            let ordered = ORDERED_WINDOWS.contains(&name) || ORDERED.contains(&name);
            if ordered && params.order_by.is_empty() {
                return Some((name.to_owned(), ORDER));
            }
            match fun {
                WindowFunctionDefinition::AggregateUDF(function) => float_sum(function.name(), &params.args, node),
                WindowFunctionDefinition::WindowUDF(_) => None,
            }
        }
        Expr::ScalarFunction(call) => {
            let name = call.func.name();
            if ["now", "current_date", "current_time", "current_timestamp", "today"].contains(&name) {
                return Some((name.to_owned(), CLOCK));
            }
            let random = call.func.signature().volatility == Volatility::Volatile;
            random.then(|| (name.to_owned(), RANDOM))
        }
        _ => None,
    }
}

fn float_sum(name: &str, arguments: &[Expr], node: &LogicalPlan) -> Option<Breach> {
    let additive = ADDITIVE.contains(&name) || name.starts_with("regr_");
    let is_float = |argument: &Expr| {
        node.inputs().iter().any(|input| {
            let ty = argument.get_type(input.schema().as_ref());
            ty.is_ok_and(|ty: DataType| ty.is_floating())
        })
    };
    (additive && arguments.iter().any(is_float)).then(|| (name.to_owned(), FLOATS))
}
