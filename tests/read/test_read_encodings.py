"""UTF-8, BOM, GB18030 and the mixture of both, told from the bytes alone."""

from __future__ import annotations

import random

import pytest
from read_tools import NAMES, NAMES_ZH, cells, layout, loans, read, refusal, written

from huxin_checks.read import FileRefused
from huxin_checks.read.encoding import Decoder, is_utf8, like_utf8

ROWS = loans(50)
NAME = NAMES.index("name")
PURPOSE = NAMES.index("purpose")
SURNAMES = (
    "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金"
    "石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤滕溥涂"
)


@pytest.mark.parametrize("headers", [NAMES, NAMES_ZH])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_each_encoding_reads_alike(headers: list[str], encoding: str) -> None:
    data = written(ROWS, headers).encode(encoding)
    assert cells(read(data)) == ROWS
    assert layout(data).encoding == encoding.removesuffix("-sig")


def test_characters_of_four_bytes_in_gb18030() -> None:
    rows = [[*row[:NAME], "㐂㑇𠮷", *row[NAME + 1 :]] for row in ROWS]
    assert cells(read(written(rows).encode("gb18030"))) == rows


def test_gb18030_with_a_delimiter_that_is_half_a_character() -> None:
    rows = [[*row[:PURPOSE], "巪鈢", *row[PURPOSE + 1 :]] for row in ROWS]
    data = written(rows, delimiter="|").encode("gb18030")
    assert b"|" in "巪鈢".encode("gb18030")
    assert cells(read(data)) == rows


@pytest.mark.parametrize("seed", range(6))
def test_clean_gb18030_is_never_taken_for_a_mixture(seed: int) -> None:
    """3,000 rows whose only Chinese is a name of two or three characters, header in English."""
    pick = random.Random(seed)
    common = [
        bytes((lead, trail)).decode("gb2312") for lead in range(0xB0, 0xD7) for trail in range(0xA1, 0xFE)
    ]
    rows = []
    for row in loans(3000):
        name = pick.choice(SURNAMES) + "".join(pick.choices(common, k=pick.choice((1, 2))))
        rows.append([*row[:NAME], name, *row[NAME + 1 :]])
    assert cells(read(written(rows).encode("gb18030"))) == rows


@pytest.mark.parametrize("headers", [NAMES, NAMES_ZH])
@pytest.mark.parametrize("at", [2, 30, 50])
def test_one_line_of_gb18030_in_utf8_is_a_mixture(headers: list[str], at: int) -> None:
    lines = [line.encode() for line in written(ROWS, headers).splitlines()]
    lines[at] = lines[at].decode().encode("gb18030")
    refused = refusal(b"\n".join(lines))
    assert (refused.code, refused.reason, refused.facts["line"]) == ("F0004", "mixed_encodings", at + 1)


def test_lines_of_utf8_in_gb18030_are_a_mixture() -> None:
    lines = [line.encode("gb18030") for line in written(ROWS, NAMES_ZH).splitlines()]
    lines[7] = lines[7].decode("gb18030").encode()
    assert refusal(b"\n".join(lines)).reason == "mixed_encodings"


def test_a_late_gb18030_line_in_a_long_utf8_file_is_found() -> None:
    rows = loans(3500)
    text = written(rows).encode()
    assert len(text) > 900_000
    cut = text.rfind(b"\n", 0, len(text) - 1) + 1
    last = text[cut:].decode().encode("gb18030")
    with pytest.raises(FileRefused, match="mixed_encodings") as caught:
        read(text[:cut] + last, batch_rows=100)  # several blocks, the earlier ones already handed on
    assert caught.value.facts["line"] == 3501


def test_gb18030_that_begins_only_after_blocks_of_ascii() -> None:
    rows = [
        [*row[:NAME], "Li Lei" if n < 3000 else row[NAME], *row[NAME + 1 :]]
        for n, row in enumerate(loans(3500))
    ]
    data = written(rows).encode("gb18030")
    assert cells(read(data, batch_rows=100)) == rows


@pytest.mark.parametrize("tail", [b"\xff", b"\x80"])
def test_bytes_of_no_encoding_are_refused(tail: bytes) -> None:
    data = written(ROWS, NAMES).encode("ascii", "replace") + tail + b",1,2\n"
    assert refusal(data).code == "F0004"
    assert refusal(data).reason in ("encoding", "mixed_encodings")


def test_a_file_that_ends_inside_a_character_is_truncated() -> None:
    data = written(ROWS).encode()
    cut = data.rfind(b"\n", 0, len(data) - 1)
    name = next(at for at in range(cut, len(data)) if data[at] >= 0x80)
    assert refusal(data[: name + 1]).reason == "truncated"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_named(encoding: str) -> None:
    assert refusal(written(ROWS).encode(encoding)).reason == "utf16"


def test_like_utf8_counts_lines_with_chinese_in_utf8_only() -> None:
    block = (
        "中文,ａ，。\n".encode() + b"plain\n" + "中文\n".encode("gb18030") + "é中\n".encode() + "龙".encode()
    )
    assert like_utf8(block) == 2


def test_is_utf8_is_as_strict_as_python() -> None:
    for block in (b"", b"a", "中𠮷".encode(), b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe4\xb8"):
        try:
            block.decode()
            valid = True
        except UnicodeDecodeError:
            valid = False
        assert is_utf8(block) is valid


def test_a_decoder_drops_the_mark_of_the_first_block_only() -> None:
    decoder = Decoder()
    assert decoder.decode(b"\xef\xbb\xbfa\n") == b"a\n"
    assert decoder.decode(b"\xef\xbb\xbfb\n") == b"\xef\xbb\xbfb\n"
