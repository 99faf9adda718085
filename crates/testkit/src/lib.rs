//! For tests only: fakes, load generation, faults
