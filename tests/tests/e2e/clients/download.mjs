// download.mjs ROOT METADATA_URL TARGETS_URL TARGET OUT: downloads one target with tuf-js, from the root in ROOT.
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { Updater } from "tuf-js";

const [root, metadataBaseUrl, targetBaseUrl, target, out] = process.argv.slice(2);
const metadataDir = join(dirname(out), "tuf-js");
mkdirSync(metadataDir);
copyFileSync(root, join(metadataDir, "root.json"));
const updater = new Updater({ metadataBaseUrl, metadataDir, targetBaseUrl, targetDir: metadataDir });
await updater.refresh();
const info = await updater.getTargetInfo(target);
if (info === undefined) throw new Error(`the repository has no target ${target}`);
await updater.downloadTarget(info, out);
