//! Running instances: the process runtime and its shim
