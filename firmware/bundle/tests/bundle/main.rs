//! The bundle as its users see it: through the public interface, and through `tar` and `zstd`.

#[cfg(test)]
mod format;
#[cfg(test)]
mod hostile_files;
#[cfg(test)]
mod hostile_manifests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tools;
#[cfg(test)]
mod writing;
