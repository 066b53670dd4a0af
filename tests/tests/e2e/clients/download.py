"""download.py ROOT METADATA_URL TARGETS_URL TARGET OUT: downloads one target with python-tuf, from the root in ROOT."""

import sys
from pathlib import Path

from tuf.ngclient import Updater

root, metadata_url, targets_url, target, out = sys.argv[1:]
metadata_folder = Path(out).parent / "python-tuf"
metadata_folder.mkdir()
updater = Updater(
    str(metadata_folder),
    metadata_base_url=metadata_url + "/",
    target_base_url=targets_url + "/",
    bootstrap=Path(root).read_bytes(),
)
updater.refresh()
info = updater.get_targetinfo(target)
if info is None:
    sys.exit(f"the repository has no target {target}")
updater.download_target(info, out)
