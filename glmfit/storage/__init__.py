"""Values as JSON and back, without pickle: numbers to the last bit, everything checked."""

from glmfit.storage.codec import decode, encode
from glmfit.storage.files import SCHEMA, read_content, write_content

__all__ = ["SCHEMA", "decode", "encode", "read_content", "write_content"]
