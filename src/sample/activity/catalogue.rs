//! What the made-up company sells and what can be done with it: products, features, metrics.

/// The metric of what people do in the product; one event counts one.
pub(crate) const ACTIONS: &str = "actions";
/// The metric of sessions begun; one event counts one.
pub(crate) const LOGINS: &str = "logins";
/// The product every customer has.
pub(crate) const PLATFORM: &str = "platform";

/// A feature of the platform that people use.
pub(crate) struct Feature {
    /// As in `usage_event.feature`.
    pub name: &'static str,
    /// Whether using it is what the product is bought for.
    pub is_core: bool,
    /// How often it is used by those who use it, relative to the others.
    pub weight: u32,
    /// The share of accounts that ever take it up.
    pub reach: f64,
    /// Days after the company's start on which it is launched.
    pub launched: i32,
    /// `entitlement` of the catalogue row.
    pub entitlement: &'static str,
    /// The names of its events.
    pub events: [&'static str; 3],
}

/// The features that make `actions`.
pub(crate) const FEATURES: [Feature; 14] = [
    feature("records", true, 26, 1.0, ["records.viewed", "records.created", "records.updated"]),
    feature("workflows", true, 18, 0.93, ["workflows.run", "workflows.run", "workflows.edited"]),
    feature("approvals", true, 14, 0.82, ["approvals.requested", "approvals.granted", "approvals.viewed"]),
    feature("reports", true, 12, 0.88, ["reports.viewed", "reports.viewed", "reports.created"]),
    feature("forms", true, 8, 0.66, ["forms.submitted", "forms.submitted", "forms.edited"]),
    feature("scheduling", true, 7, 0.55, ["scheduling.viewed", "scheduling.booked", "scheduling.moved"]),
    feature("search", false, 14, 1.0, ["search.performed", "search.performed", "search.refined"]),
    feature("comments", false, 8, 0.8, ["comments.added", "comments.viewed", "comments.resolved"]),
    feature("dashboards", false, 9, 0.7, ["dashboards.viewed", "dashboards.viewed", "dashboards.edited"]),
    feature("exports", false, 3, 0.6, ["exports.requested", "exports.downloaded", "exports.requested"]),
    feature("sharing", false, 3, 0.5, ["sharing.granted", "sharing.viewed", "sharing.revoked"]),
    feature("settings", false, 2, 1.0, ["settings.viewed", "settings.changed", "settings.viewed"]),
    Feature {
        launched: 150,
        entitlement: "bundled",
        ..feature("mobile", false, 6, 0.45, ["mobile.opened", "mobile.synced", "mobile.opened"])
    },
    Feature {
        launched: 320,
        entitlement: "beta",
        ..feature("assistant", false, 10, 0.5, ["assistant.asked", "assistant.asked", "assistant.accepted"])
    },
];

const fn feature(name: &'static str, is_core: bool, weight: u32, reach: f64, events: [&'static str; 3]) -> Feature {
    // Whoever has a seat may use them.
    Feature { name, is_core, weight, reach, launched: 0, entitlement: "bundled", events }
}

/// A metric that usage lines of contracts are priced by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BillableMetric {
    /// Calls of the programming interface.
    ApiCalls,
    /// Documents captured.
    Documents,
    /// Messages sent to the customer's own customers.
    Messages,
}

impl BillableMetric {
    /// All of them, in the order of their place in arrays.
    pub const ALL: [Self; 3] = [Self::ApiCalls, Self::Documents, Self::Messages];

    /// As in `usage_event.metric` and `contract_line.metric`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiCalls => "api_calls",
            Self::Documents => "documents",
            Self::Messages => "messages",
        }
    }

    /// As in `usage_event.product_id` and `contract_line.product_id`.
    pub fn product_id(self) -> &'static str {
        match self {
            Self::ApiCalls => "api",
            Self::Documents => "documents",
            Self::Messages => "messaging",
        }
    }

    /// As in `usage_event.feature`.
    pub(crate) fn feature(self) -> &'static str {
        match self {
            Self::ApiCalls => "api_access",
            Self::Documents => "document_capture",
            Self::Messages => "campaigns",
        }
    }

    /// As in `usage_event.name`.
    pub(crate) fn event(self) -> &'static str {
        match self {
            Self::ApiCalls => "api.requests",
            Self::Documents => "documents.captured",
            Self::Messages => "messages.sent",
        }
    }

    /// The share of accounts that use it.
    pub(crate) fn reach(self) -> f64 {
        match self {
            Self::ApiCalls => 0.5,
            Self::Documents => 0.35,
            Self::Messages => 0.25,
        }
    }

    /// Quantity per seat and working day of an ordinary account.
    pub(crate) fn per_seat(self) -> f64 {
        match self {
            Self::ApiCalls => 40.0,
            Self::Documents => 0.6,
            Self::Messages => 3.0,
        }
    }

    /// How much of a working day's quantity a weekend day has: machines keep calling, people do not keep scanning.
    pub(crate) fn weekend(self) -> f64 {
        match self {
            Self::ApiCalls => 0.55,
            Self::Documents => 0.1,
            Self::Messages => 0.3,
        }
    }

    /// Its place in [`Self::ALL`].
    pub(crate) fn place(self) -> usize {
        match self {
            Self::ApiCalls => 0,
            Self::Documents => 1,
            Self::Messages => 2,
        }
    }
}
