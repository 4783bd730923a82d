"""The tags of a raster and its bands, also in other domains than GDAL's default one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rasterio.io import DatasetReader, DatasetWriter

Domains = Mapping[str, Mapping[str, str]]

_LEFT_OUT = ("IMAGE_STRUCTURE", "DERIVED_SUBDATASETS", "SUBDATASETS", "COLOR_PROFILE", "RPC", "GEOLOCATION")
_RESERVED_KEYS = ("bidx", "ns")  # parameters of rasterio's update_tags, which takes tags as parameters too


def read_domains(source: DatasetReader, band: int = 0) -> Domains:
    """Return the tags of a band, or of the raster (0), by domain and key.

    The default domain is left out, and those that are GDAL's own or tell where pixels lie.
    """
    kept = [name for name in source.tag_namespaces(band) if name not in _LEFT_OUT and ":" not in name]
    return {name: tags for name in kept if (tags := source.tags(band, ns=name))}


def share_tags(several: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """Return the tags that all of some rasters, or bands, have."""
    shared = set.intersection(*(set(tags.items()) for tags in several))
    return {key: text for key, text in several[0].items() if (key, text) in shared}


def share_domains(several: Sequence[Domains]) -> Domains:
    """Return the tags that all of some rasters, or bands, have in the same domains."""
    shared = {name: share_tags([one.get(name, {}) for one in several]) for name in several[0]}
    return {name: tags for name, tags in shared.items() if tags}


def write_tags(dataset: DatasetWriter, band: int, tags: Mapping[str, str], domains: Domains) -> None:
    """Write the tags of a band, or of the raster (0): `tags` in the default domain, others in `domains`."""
    for name, texts in ((None, tags), *domains.items()):
        dataset.update_tags(band, name, **{key: text for key, text in texts.items() if key not in _RESERVED_KEYS})
