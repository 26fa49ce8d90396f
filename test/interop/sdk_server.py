"""The Arvados Python SDK behind lines of JSON: one request a line on stdin, one answer a line on stdout."""

import hashlib
import json
import sys

import arvados
import arvados.collection


def pdh_of(manifest):
    data = manifest.encode("utf-8")
    return f"{hashlib.md5(data).hexdigest()}+{len(data)}"


def walk(collection, prefix, files, empty_dirs):
    if prefix and len(collection) == 0:
        empty_dirs.append(prefix)
    for name in collection:
        item = collection[name]
        path = f"{prefix}/{name}" if prefix else name
        if isinstance(item, arvados.collection.RichCollectionBase):
            walk(item, path, files, empty_dirs)
        else:
            files.append(path)


def digest(collection, path):
    hasher = hashlib.md5()
    with collection.open(path, "rb") as reader:
        while chunk := reader.read(1 << 20):
            hasher.update(chunk)
    return hasher.hexdigest()


def read(request):
    """Every file's md5, every empty folder, and the hash of the manifest as the SDK normalises it."""
    collection = arvados.collection.Collection(request["collection"])
    files, empty_dirs = [], []
    walk(collection, "", files, empty_dirs)
    return {
        "files": {path: digest(collection, path) for path in files},
        "emptyDirs": sorted(empty_dirs),
        "storedManifest": collection.stripped_manifest(),
        "normalizedPdh": pdh_of(collection.manifest_text(strip=True, normalize=True)),
    }


def edit(request):
    """Opens, writes and removes, and saves, as somebody's own program does it."""
    collection = arvados.collection.Collection(request["collection"])
    for path in request.get("remove", []):
        collection.remove(path)
    for path, text in request.get("write", {}).items():
        with collection.open(path, "w") as writer:
            writer.write(text)
    collection.save()
    return {"portableDataHash": collection.portable_data_hash()}


def record(request):
    found = arvados.api("v1").collections().get(uuid=request["collection"]).execute()
    return {key: found[key] for key in request["fields"]}


def normalize(request):
    """The hash of each manifest as the SDK normalises it."""
    hashes = []
    for manifest in request["manifests"]:
        collection = arvados.collection.Collection(manifest)
        hashes.append(pdh_of(collection.manifest_text(strip=True, normalize=True)))
    return hashes


OPERATIONS = {one.__name__: one for one in (read, edit, record, normalize)}

for line in sys.stdin:
    message = json.loads(line)
    try:
        answer = {"result": OPERATIONS[message["operation"]](message)}
    except Exception as error:  # the test tells what went wrong
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
