//! The mappings that come with the engine: the files in `mappings/` at the top of the repository.

/// Name and text of each, in the order of the names.
pub(super) const SHIPPED: &[(&str, &str)] = &[
    ("cloudtrail", include_str!("../../../mappings/cloudtrail.toml")),
    ("expertsender", include_str!("../../../mappings/expertsender.toml")),
    ("getcourse", include_str!("../../../mappings/getcourse.toml")),
    ("idosell", include_str!("../../../mappings/idosell.toml")),
    ("kronika-bench", include_str!("../../../mappings/kronika-bench.toml")),
    ("remonline", include_str!("../../../mappings/remonline.toml")),
    ("voucherify", include_str!("../../../mappings/voucherify.toml")),
    ("voucherify-exports", include_str!("../../../mappings/voucherify-exports.toml")),
    ("voucherify-tasks", include_str!("../../../mappings/voucherify-tasks.toml")),
    ("windows", include_str!("../../../mappings/windows.toml")),
];
