//! What the synthetic shop talks about: modules, kinds of event, objects, places, phrases.
//!
//! The lists and weights are those of the benchmark journal, so that figures stay comparable.

use super::random::pow;

/// Tenants and their weights, which add up to 100.
pub(super) const TENANTS: [(&str, u32); 8] = [
    ("shop-pl", 40),
    ("shop-de", 22),
    ("shop-cz", 12),
    ("market-eu", 9),
    ("outlet", 7),
    ("b2b", 5),
    ("wholesale", 4),
    ("sandbox", 1),
];

pub(super) const LOCATIONS: [&str; 50] = [
    "PL-WAW", "PL-KRK", "PL-WRO", "PL-POZ", "PL-GDN", "PL-LDZ", "PL-KTW", "PL-LUB", "PL-SZZ", "PL-BZG", "DE-BER",
    "DE-MUC", "DE-HAM", "DE-CGN", "DE-FRA", "DE-STR", "CZ-PRG", "CZ-BRQ", "CZ-OSR", "SK-BTS", "HU-BUD", "RO-OTP",
    "BG-SOF", "AT-VIE", "FR-PAR", "FR-LYS", "ES-MAD", "ES-BCN", "IT-ROM", "IT-MIL", "NL-AMS", "BE-BRU", "DK-CPH",
    "SE-STO", "NO-OSL", "FI-HEL", "EE-TLL", "LV-RIX", "LT-VNO", "UA-IEV", "GB-LON", "GB-MAN", "IE-DUB", "US-NYC",
    "US-SFO", "US-CHI", "CN-SZX", "IN-DEL", "TR-IST", "PT-LIS",
];

/// One area of the shop.
pub(super) struct Module {
    pub(super) name: &'static str,
    /// Weight in the traffic of the site, of the panel and of background work.
    weights: [f64; 3],
    objects: &'static str,
    urls: &'static str,
    /// What happens there; `!` marks a failure (level error), `?` a suspicion (warn), `~` a detail (debug).
    verbs: &'static str,
}

const fn module(
    name: &'static str,
    weights: [f64; 3],
    objects: &'static str,
    urls: &'static str,
    verbs: &'static str,
) -> Module {
    Module { name, weights, objects, urls, verbs }
}

pub(super) const MODULES: [Module; 20] = [
    module(
        "auctions",
        [0.0, 9.0, 6.0],
        "auction offer",
        "/auctions /auctions/bids",
        "created updated ended bid_placed relisted price_changed synced !sync_failed",
    ),
    module(
        "banking",
        [0.0, 3.0, 5.0],
        "transfer payment",
        "/banking/transfers /banking/statements",
        "transfer_in transfer_out statement_imported payment_matched account_added ?limit_exceeded !reconcile_failed",
    ),
    module(
        "ssl",
        [0.0, 0.4, 1.0],
        "certificate",
        "/ssl/certificates",
        "issued renewed revoked domain_added ?expires_soon !challenge_failed",
    ),
    module(
        "dropshipping",
        [0.0, 3.0, 3.0],
        "supplier offer",
        "/dropshipping/suppliers /dropshipping/offers",
        "supplier_added offer_mapped stock_pulled price_pulled order_forwarded ?margin_low !supplier_timeout",
    ),
    module(
        "fulfillment",
        [0.0, 8.0, 5.0],
        "order parcel",
        "/fulfillment/orders /fulfillment/waves",
        "picked packed wave_started wave_closed order_split shipped ?short_pick !pack_failed",
    ),
    module(
        "warehouse",
        [0.0, 10.0, 4.0],
        "stock_item product",
        "/warehouse/items /warehouse/moves",
        "item_received item_moved stock_corrected inventory_started inventory_closed reserved released ?stock_low \
         !scan_failed",
    ),
    module(
        "import",
        [0.0, 2.0, 9.0],
        "import_job product",
        "/import/jobs",
        "job_queued job_started row_parsed row_merged job_finished ~chunk_read ?row_skipped !job_failed",
    ),
    module(
        "couriers",
        [0.0, 5.0, 8.0],
        "parcel label courier",
        "/couriers/labels /couriers/parcels",
        "label_created label_printed parcel_tracked parcel_delivered pickup_ordered ?parcel_delayed !label_failed",
    ),
    module(
        "marketplaces",
        [0.0, 7.0, 10.0],
        "offer order integration",
        "/marketplaces/offers /marketplaces/orders",
        "offer_published offer_closed order_pulled stock_pushed price_pushed message_read ?quota_low !publish_failed",
    ),
    module(
        "payments",
        [4.0, 5.0, 5.0],
        "payment refund",
        "/payments /payments/refunds",
        "authorized captured refunded chargeback_opened method_added ?retry_scheduled !declined",
    ),
    module(
        "external_services",
        [0.0, 1.0, 6.0],
        "integration",
        "/integrations",
        "call_made token_refreshed connected disconnected ~payload_dumped ?slow_response !call_failed",
    ),
    module("backups", [0.0, 0.2, 1.0], "backup", "/backups", "started finished verified restored pruned !failed"),
    module(
        "insurance",
        [0.0, 1.0, 1.0],
        "policy parcel",
        "/insurance/policies",
        "policy_created policy_cancelled claim_opened claim_paid ?claim_disputed !quote_failed",
    ),
    module(
        "webhooks",
        [0.0, 1.0, 12.0],
        "webhook order",
        "/webhooks /webhooks/deliveries",
        "delivered queued created paused ~body_logged ?retried !delivery_failed",
    ),
    module(
        "background_tasks",
        [0.0, 0.5, 25.0],
        "task",
        "/tasks",
        "queued started finished requeued heartbeat ~tick ?slow !crashed",
    ),
    module(
        "panel",
        [0.0, 30.0, 0.0],
        "user account order product",
        "/panel /panel/orders /panel/products /panel/users",
        "logged_in logged_out page_viewed settings_changed role_granted role_revoked exported filter_saved \
         ?login_failed !action_denied",
    ),
    module(
        "api",
        [0.0, 2.0, 20.0],
        "token order product",
        "/api/v1/orders /api/v1/products /api/v1/stock /api/v2/offers",
        "called listed created updated deleted token_issued ?rate_limited !rejected",
    ),
    module(
        SITE,
        [55.0, 0.0, 0.0],
        "visit product category cart",
        "/ /p /c /cart /search",
        "visited product_viewed category_viewed searched cart_added cart_removed checkout_started sale_completed \
         ?coupon_rejected !checkout_failed",
    ),
    module(
        SESSIONS,
        [30.0, 4.0, 0.0],
        "session",
        "/session",
        "started extended scrolled clicked form_filled ended ~ping ?bot_suspected",
    ),
    module("sms", [0.0, 0.5, 4.0], "sms user", "/sms", "queued sent delivered opted_out ?delayed !send_failed"),
];

const SITE: &str = "site_activity";
const SESSIONS: &str = "session_events";

const TAILS: [&str; 6] =
    [" by rule ", " after check of ", " for customer ", " with note ", " from queue ", " in channel "];
const WENT_WELL: [&str; 6] = [
    " was processed for ",
    " has been accepted from ",
    " changed in list ",
    " was updated by operator ",
    " went through step ",
    " was confirmed with ",
];
const WENT_WRONG: [&str; 5] = [
    " failed because of ",
    " could not be completed: ",
    " failed with timeout at ",
    " was refused by ",
    " failed validation of ",
];
const URL_ENDS: [&str; 6] = ["", "/edit", "/history", "/items", "?view=full", ""];

pub(super) const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
pub(super) const GET: u8 = 0;
pub(super) const POST: u8 = 1;
pub(super) const DELETE: u8 = 4;

pub(super) const CURRENCIES: [&str; 6] = ["PLN", "EUR", "CZK", "USD", "GBP", "HUF"];
pub(super) const CURRENCY_WEIGHTS: [f64; 6] = [55.0, 25.0, 8.0, 6.0, 4.0, 2.0];
pub(super) const ORIGINS: [&str; 6] = ["panel", "api", "mobile", "cron", "marketplace", "import"];
/// JSON lists as they stand inside a JSON string.
pub(super) const TAGS: [&str; 5] =
    ["[]", r#"[\"new\"]"#, r#"[\"promo\",\"web\"]"#, r#"[\"vip\"]"#, r#"[\"bulk\",\"b2b\",\"eu\"]"#];
pub(super) const TAG_WEIGHTS: [f64; 5] = [40.0, 25.0, 15.0, 12.0, 8.0];
pub(super) const STATES: [&str; 7] = ["new", "open", "paid", "packed", "sent", "done", "void"];

/// Traffic of each hour of the day (UTC).
pub(super) const HOUR_WEIGHTS: [f64; 24] = [
    18.0, 12.0, 9.0, 8.0, 9.0, 14.0, 25.0, 45.0, 70.0, 88.0, 95.0, 97.0, 92.0, 90.0, 92.0, 94.0, 92.0, 88.0, 86.0,
    90.0, 92.0, 80.0, 56.0, 32.0,
];

/// Level of an event, in the order of [`LEVELS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Info,
    Warn,
    Error,
    Debug,
}

pub(super) const LEVELS: [&str; 4] = ["info", "warn", "error", "debug"];

/// One kind of event with every text that depends on nothing else.
#[derive(Debug)]
pub(super) struct EventKind {
    pub(super) name: String,
    pub(super) module: usize,
    pub(super) level: Level,
    pub(super) object: &'static str,
    pub(super) method: u8,
    /// Whether its module is itself an HTTP interface, so that also background events have a URL.
    pub(super) always_http: bool,
    /// Probability weight in the traffic of the site, of the panel and of background work.
    pub(super) weights: [f64; 3],
    pub(super) url_start: String,
    pub(super) url_end: &'static str,
    pub(super) message_start: String,
    pub(super) message_verb: &'static str,
    pub(super) message_tail: &'static str,
    pub(super) message_end: String,
}

/// Every kind of event, module by module.
pub(super) fn event_kinds() -> Vec<EventKind> {
    MODULES.iter().enumerate().flat_map(|(at, module)| kinds_of(at, module)).collect()
}

fn kinds_of(at: usize, module: &Module) -> Vec<EventKind> {
    let verbs: Vec<(Level, &str)> = module.verbs.split(' ').map(level_of).collect();
    let shares: Vec<f64> = verbs.iter().enumerate().map(|(rank, (level, _))| share(rank, *level)).collect();
    let total: f64 = shares.iter().sum();
    let kind = |(rank, (level, verb)): (usize, &(Level, &str))| {
        let weights = module.weights.map(|weight| weight * shares[rank] / total);
        event_kind(at, module, rank, (*level, verb), weights)
    };
    verbs.iter().enumerate().map(kind).collect()
}

fn level_of(verb: &'static str) -> (Level, &'static str) {
    match verb.as_bytes()[0] {
        b'!' => (Level::Error, &verb[1..]),
        b'?' => (Level::Warn, &verb[1..]),
        b'~' => (Level::Debug, &verb[1..]),
        _ => (Level::Info, verb),
    }
}

/// Later verbs are rarer, and trouble is four times rarer still.
fn share(rank: usize, level: Level) -> f64 {
    let trouble = matches!(level, Level::Warn | Level::Error);
    (if trouble { 0.25 } else { 1.0 }) / pow(rank as f64 + 1.0, 0.9)
}

fn event_kind(at: usize, module: &Module, rank: usize, (level, verb): (Level, &str), weights: [f64; 3]) -> EventKind {
    let nth = |list: &'static str| list.split(' ').nth(rank % list.split(' ').count()).unwrap_or_default();
    let object = nth(module.objects);
    let stem = if module.name == "sms" { "sms" } else { module.name.trim_end_matches('s') };
    let on_site = module.name == SITE || module.name == SESSIONS;
    EventKind {
        name: format!("{stem}.{verb}"),
        module: at,
        level,
        object,
        method: if on_site { u8::from(rank >= 4) } else { [1, 2, 0, 1, 3, 0, 0, 4, 1, 1][rank % 10] },
        always_http: matches!(module.name, "api" | "webhooks"),
        weights,
        url_start: format!("{}/", nth(module.urls).trim_end_matches('/')),
        url_end: URL_ENDS[rank % URL_ENDS.len()],
        message_start: format!("{} ", capitalized(&object.replace('_', " "))),
        message_verb: if level == Level::Error { WENT_WRONG[rank % 5] } else { WENT_WELL[rank % 6] },
        message_tail: TAILS[(rank + at) % TAILS.len()],
        message_end: format!(" in {} of {}, ref ", verb.replace('_', " "), module.name.replace('_', " ")),
    }
}

fn capitalized(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}
