"""What the Arvados SDK needs to parse a manifest, normalise it and hash it: sdk_manifest.py FILE."""

import hashlib
import sys

import arvados.collection

with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
collection = arvados.collection.Collection(text)
data = collection.manifest_text(strip=True, normalize=True).encode("utf-8")
print(f"{hashlib.md5(data).hexdigest()}+{len(data)}")
