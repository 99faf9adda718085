//! The only SQL: migrations, journal, releases, environments and history
