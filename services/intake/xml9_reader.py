"""Reading the bytes of an XML9 upload: from an untrusted file to the tags of its records, with hard limits.

No tree is built: expat calls us element by element and only the records are kept. A document type or an
entity refuses the whole file. Bytes decide the encoding (UTF-8 with or without BOM, UTF-16), never the XML
declaration. No text of the file is ever put into an exception.
"""

import base64
import binascii
import codecs
from collections.abc import Callable, Iterator

import msgspec
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, XMLParser

Path = tuple[str, ...]

ENVELOPE = "GIAMDINHHS"
INNER = "CHI_TIEU_DU_LIEU_GIAY_CHUNG_SINH"
HOSO = (ENVELOPE, "THONGTINHOSO", "DANHSACHHOSO", "HOSO")
FILE = (*HOSO, "FILEHOSO")
RECORD = (INNER, "DSACH_GIAYCHUNGSINH", "DU_LIEU_GIAY_CHUNG_SINH")
# Large steps: expat 2.5 reads an unfinished token again at every step, so small steps make a long tag
# quadratic.
STEP_BYTES = 1024 * 1024


class UploadRefused(Exception):
    """The whole file is refused. `code` is stable, `message_vi` is for the person who sent it; neither quotes
    it.
    """

    def __init__(self, code: str, message_vi: str) -> None:
        super().__init__(code)
        self.code = code
        self.message_vi = message_vi


class UploadLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one upload may hold. `elements_max` counts the elements of the envelope and of all files in
    it.
    """

    upload_bytes_max: int = 20 * 1024 * 1024
    records_max: int = 5_000
    hosos_max: int = 20_000
    elements_max: int = 600_000
    depth_max: int = 32
    tags_per_record_max: int = 200


class RawRecord(msgspec.Struct, frozen=True):
    """The tags of one record with their text as written. `fault` names what made it unreadable, empty if
    nothing.

    `faulty_tags` came twice or hold elements; `hoso` counts the HOSO of the envelope from 1 (1 in a bare
    file).
    """

    hoso: int
    values: dict[str, str]
    faulty_tags: dict[str, str] = {}
    fault: str = ""


class RawUpload(msgspec.Struct):
    """What the file says of itself, and its records in order. Texts are as written, `None` where absent."""

    facility_code: str | None = None
    made_on: str | None = None
    announced: str | None = None
    hosos: int = 0
    without_certificate: int = 0
    bare: bool = False
    records: list[RawRecord] = []


def read_upload(data: bytes, limits: UploadLimits) -> RawUpload:
    """Read an envelope or a bare inner file. Raises UploadRefused and nothing else, for any bytes."""
    if len(data) > limits.upload_bytes_max:
        size = limits.upload_bytes_max // (1024 * 1024)
        raise UploadRefused("too-large", f"Tệp vượt quá dung lượng cho phép ({size} MiB).")
    if not data.strip():
        raise UploadRefused("empty", "Tệp không có nội dung.")
    reader = _Upload(limits)
    _parse(data, reader)
    return reader.upload


def _text_steps(data: bytes) -> Iterator[str]:
    """The text of the file in bounded steps. Raises UnicodeDecodeError."""
    encoding = "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif data.startswith(b"<\0"):
        encoding = "utf-16-le"
    elif data.startswith(b"\0<"):
        encoding = "utf-16-be"
    decoder = codecs.getincrementaldecoder(encoding)()
    for start in range(0, len(data), STEP_BYTES):
        yield decoder.decode(data[start : start + STEP_BYTES])
    yield decoder.decode(b"", final=True)


def _parse(data: bytes, target: "_Walk") -> None:
    parser = XMLParser(target=target, forbid_dtd=True)
    try:
        for text in _text_steps(data):
            parser.feed(text)
        parser.close()
    except UploadRefused:
        raise
    except DefusedXmlException:
        message = (
            "Tệp có khai báo DOCTYPE hoặc thực thể (entity); vì an toàn, hệ thống không nhận tệp như vậy."
        )
        raise UploadRefused("doctype", message) from None
    except UnicodeError:
        raise UploadRefused("encoding", "Tệp không phải mã hóa UTF-8 hoặc UTF-16 hợp lệ.") from None
    except (ParseError, ValueError, LookupError):
        message = "Tệp không phải XML hợp lệ hoặc bị cắt giữa chừng."
        raise UploadRefused("not-xml", message) from None


class _Walk:
    """Follows the path through a document: tells of each start, and of each element's own text at its end."""

    def __init__(self, limits: UploadLimits, elements: int = 0) -> None:
        self.limits = limits
        self.elements = elements
        self.path: Path = ()
        self._paths: list[Path] = []
        self._text: list[str] = []
        self._wanted = False
        self._leaf = False

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        self.elements += 1
        if self.elements > self.limits.elements_max:
            raise UploadRefused("too-many-elements", "Tệp có quá nhiều phần tử XML.")
        if len(self._paths) >= self.limits.depth_max:
            raise UploadRefused("too-deep", "Tệp XML lồng nhau quá nhiều cấp.")
        self._paths.append(self.path)
        self.path = (*self.path, tag.rpartition("}")[2])
        self._text.clear()
        self._leaf = True
        self._wanted = self.started()

    def data(self, text: str) -> None:
        if self._wanted:
            self._text.append(text)

    def end(self, _tag: str) -> None:
        self.ended("".join(self._text), self._leaf)
        self._text.clear()
        self._leaf = self._wanted = False
        self.path = self._paths.pop()

    def close(self) -> None:
        """expat asks for it; there is nothing to hand over."""

    def started(self) -> bool:
        """An element has begun at `path`; whether its text is wanted."""
        raise NotImplementedError

    def ended(self, text: str, leaf: bool) -> None:
        """The element at `path` has ended; `leaf` when it held no other element."""
        raise NotImplementedError


class _Records(_Walk):
    """The records of an inner file, handed to `keep` one by one."""

    def __init__(
        self, limits: UploadLimits, hoso: int, keep: Callable[[RawRecord], None], elements: int = 0
    ) -> None:
        super().__init__(limits, elements)
        self.hoso = hoso
        self.keep = keep
        self.found = 0
        self._values: dict[str, str] = {}
        self._faulty: dict[str, str] = {}

    def started(self) -> bool:
        if len(self.path) == 1 and self.path[0] != INNER:
            raise UploadRefused(
                "unknown-root", "Tệp không phải phong bì GIAMDINHHS hay bảng dữ liệu giấy chứng sinh."
            )
        if self.path == RECORD:
            self._values, self._faulty = {}, {}
        return len(self.path) == len(RECORD) + 1 and self.path[:-1] == RECORD

    def ended(self, text: str, leaf: bool) -> None:
        if self.path == RECORD:
            self.found += 1
            self.keep(RawRecord(self.hoso, self._values, self._faulty))
        elif len(self.path) == len(RECORD) + 1 and self.path[:-1] == RECORD:
            tag = self.path[-1]
            if not leaf:
                self._faulty[tag] = "nested"
            elif tag in self._values:
                self._faulty[tag] = "repeated"
            self._values[tag] = text if leaf else ""
            if len(self._values) > self.limits.tags_per_record_max:
                raise UploadRefused("too-many-tags", "Một bản ghi trong tệp có quá nhiều trường.")


class _Upload(_Walk):
    """The envelope; or, by its root, a bare inner file, which is then followed by `_Records`."""

    def __init__(self, limits: UploadLimits) -> None:
        super().__init__(limits)
        self.upload = RawUpload()
        self._bare: _Records | None = None
        self._kind: str | None = None
        self._content: str | None = None
        self._certificates = 0

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        if not self._paths and self._bare is None and tag.rpartition("}")[2] != ENVELOPE:
            self.upload.bare = True
            self.upload.hosos = 1
            self._bare = _Records(self.limits, 1, self._keep)
        (self._bare.start if self._bare else super().start)(tag, _attributes)

    def data(self, text: str) -> None:
        (self._bare.data if self._bare else super().data)(text)

    def end(self, _tag: str) -> None:
        (self._bare.end if self._bare else super().end)(_tag)

    def _keep(self, record: RawRecord) -> None:
        if len(self.upload.records) >= self.limits.records_max:
            message = f"Tệp có quá {self.limits.records_max} giấy chứng sinh; hãy chia thành nhiều tệp."
            raise UploadRefused("too-many-records", message)
        self.upload.records.append(record)

    def started(self) -> bool:
        if self.path == HOSO:
            self.upload.hosos += 1
            self._certificates = 0
            if self.upload.hosos > self.limits.hosos_max:
                raise UploadRefused("too-many-hosos", f"Tệp có quá {self.limits.hosos_max} hồ sơ (HOSO).")
        elif self.path == FILE:
            self._kind = self._content = None
        elif self.path == (*FILE, "NOIDUNGFILE"):
            return self._kind in (None, "XML9")  # the other tables of the treatment are none of our business
        return True

    def ended(self, text: str, leaf: bool) -> None:
        if self.path == (*FILE, "LOAIHOSO"):
            self._kind = text.strip().upper()
        elif self.path == (*FILE, "NOIDUNGFILE"):
            self._content = text if leaf else ""
        elif self.path == FILE and self._kind == "XML9":
            self._certificates += 1
            self._file(self._content or "")
        elif self.path == HOSO and self._certificates == 0:
            self.upload.without_certificate += 1
        elif self.path == (ENVELOPE, "THONGTINDONVI", "MACSKCB"):
            self.upload.facility_code = text.strip()
        elif self.path == (*HOSO[:2], "SOLUONGHOSO"):
            self.upload.announced = text.strip()
        elif self.path == (*HOSO[:2], "NGAYLAP"):
            self.upload.made_on = text.strip()

    def _file(self, content: str) -> None:
        """One XML9 file of the envelope. What is wrong with it alone spoils its HOSO, not the upload."""
        hoso = self.upload.hosos
        try:
            inner = base64.b64decode("".join(content.split()), validate=True)
        except (binascii.Error, ValueError):
            return self._keep(RawRecord(hoso, {}, fault="base64"))
        if not inner.strip():
            return self._keep(RawRecord(hoso, {}, fault="empty"))
        records = _Records(self.limits, hoso, self._keep, self.elements)
        kept = len(self.upload.records)
        try:
            _parse(inner, records)
        except UploadRefused as refused:
            if refused.code not in ("not-xml", "encoding", "unknown-root"):
                raise
            del self.upload.records[kept:]
            return self._keep(RawRecord(hoso, {}, fault=refused.code))
        finally:
            self.elements = records.elements
        if not records.found:
            self._keep(RawRecord(hoso, {}, fault="no-record"))
        return None
