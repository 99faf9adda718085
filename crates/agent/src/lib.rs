//! The control plane: plans, executes and reconciles; serves the API
