"""Sealed files and the submission keys that open them: the whole offer of this subject."""

from huxin_privacy.sealed_format import CHUNK_BYTES
from huxin_privacy.sealed_reader import SealedReader
from huxin_privacy.sealed_writer import SealedWriter
from huxin_privacy.submission_key import FILE_NAME, SubmissionKey, drop, exists

__all__ = ["CHUNK_BYTES", "FILE_NAME", "SealedReader", "SealedWriter", "SubmissionKey", "drop", "exists"]
