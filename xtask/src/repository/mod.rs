//! A published repository as a folder of plain files: reading it as a client would, and changing it in one step.

mod client;
mod disk;
mod folder;
mod publish;
mod state;

pub use client::{FolderRemote, NothingKept};
pub(crate) use disk::replace_durably;
pub use disk::{Disk, RealDisk};
pub use folder::{Folder, Lock};
pub use publish::{Content, Keep, Laid, NewFile, Publication, lay, sweep};
pub(crate) use state::stored_name;
pub use state::{ENFORCEMENT, RoleState, State};
