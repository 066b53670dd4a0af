//! A board's TOML: raw config in, checked config out. Unknown keys are refused; every error names file, key, and what is accepted.
