//! Input hashing and the builders that turn a source tree into artifacts
