//! What a printer prints, and what it refuses to: through the public interface.

#[cfg(test)]
mod archives;
#[cfg(test)]
mod hostile_archives;
#[cfg(test)]
mod lines;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod support;
