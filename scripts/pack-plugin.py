#!/usr/bin/env python3
"""Packs the built and lowered gate into dist/, in the form of Traefik's plugin catalog.

The same wasm gives the same zip, byte for byte: fixed order, times and modes.
"""

import pathlib
import shutil
import sys
import zipfile

# Traefik compiles the module at each start, and anew for each change of a dynamic file.
LARGEST = 1_000_000

root = pathlib.Path(__file__).resolve().parent.parent
wasm = root / "target/wasm32-wasip1/wasm/plugin.wasm"
dist = root / "dist"
folder = dist / "watchgate-plugin"

if not wasm.exists():
    sys.exit(f"plugin: {wasm.relative_to(root)} is missing: run `make plugin`")
size = wasm.stat().st_size
if size > LARGEST:
    sys.exit(f"plugin: plugin.wasm has {size:,} bytes, more than the {LARGEST:,} allowed")

folder.mkdir(parents=True, exist_ok=True)
files = {".traefik.yml": root / "scripts/plugin-manifest.yml", "plugin.wasm": wasm}
for name, source in files.items():
    # A rename, so that a Traefik that starts meanwhile reads the old or the new plugin, never a part of one.
    fresh = folder / f"{name}.new"
    shutil.copyfile(source, fresh)
    fresh.rename(folder / name)

packed = dist / "watchgate-plugin.zip.new"
with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for name in sorted(files):
        entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o644 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, (folder / name).read_bytes())
packed = packed.rename(dist / "watchgate-plugin.zip")
print(f"plugin: plugin.wasm {size:,} bytes, {packed.relative_to(root)} {packed.stat().st_size:,} bytes")
