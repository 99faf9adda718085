//! The environment variables of whoever runs a command.

/// Those that are UTF-8. Others exist, belong to other programs, and can be named neither in
/// `landfall.toml` nor in JSON.
pub fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
