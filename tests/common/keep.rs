//! Every JSON object of rebridge that a test sees is kept in the folder `REBRIDGE_REPORTS`, where
//! there is one: tests/tiers.sh holds all of them against the published schemas.

use std::sync::atomic::{AtomicU32, Ordering};

/// Keeps what rebridge printed, if it is one of its objects; named by the test.
pub fn keep(printed: &str) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Some(folder) = std::env::var_os("REBRIDGE_REPORTS") else {
        return;
    };
    if !printed.starts_with("{\n  \"schema\": ")
        || serde_json::from_str::<serde_json::Value>(printed).is_err()
    {
        return;
    }
    let test = std::thread::current()
        .name()
        .unwrap_or("main")
        .replace([':', '/'], "_");
    let name = format!(
        "{test}-{}-{}.report",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    std::fs::write(std::path::Path::new(&folder).join(name), printed).unwrap();
}
