//! The data plane: routes requests to ready instances and never knows about deployments
