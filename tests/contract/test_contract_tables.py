"""The shipped tables hold what the contract's design lists: every field in order, every code once."""

from __future__ import annotations

import dataclasses
import re

import pytest

from huxin.contract import KINDS, PHASES, Contract, State, load_contract, load_states

FIELDS = """
loan_no 借据号, contract_no 合同号, id_type 证件类型, id_no 证件号码, id_country 签发国, name 姓名,
mobile 手机号, role 还款责任, borrower_kind 借款人类别, region 地区代码, product 产品类型,
purpose 贷款用途, guarantee 担保方式, currency 币种, principal 贷款本金, balance 贷款余额,
annual_rate 年化利率, disbursed_on 放款日期, due_on 到期日期, closed_on 结清日期,
repayment_method 还款方式, terms 总期数, terms_left 剩余期数, next_due_on 下期应还日,
next_due_amount 下期应还金额, overdue_amount 逾期金额, overdue_since 逾期起始日, dpd 逾期天数,
max_dpd 历史最长逾期天数, class5 五级分类, status 贷款状态, special_event 特殊交易, hardship 纾困标志,
consent_no 授权编号, consent_until 授权到期日, adverse_notice_on 不良告知日期, action 操作
"""

LABELS = {
    "id_type": "resident_id 居民身份证, passport 护照, uscc 统一社会信用代码",
    "role": "primary 主借款人, co_borrower 共同借款人, guarantor 担保人",
    "borrower_kind": "individual 自然人, sole_trader 个体工商户, company 企业",
    "product": "consumer 消费贷, business 经营贷, agricultural 涉农贷",
    "guarantee": "credit 信用, guaranteed 保证, mortgaged 抵押, pledged 质押",
    "repayment_method": "equal_installment 等额本息, interest_first 先息后本, bullet 一次性还本付息",
    "class5": "normal 正常, special_mention 关注, substandard 次级, doubtful 可疑, loss 损失",
    "status": "active 正常, overdue 逾期, extended 展期, restructured 重组, written_off 核销, "
    "transferred 转让, settled 结清, revoked 撤销",
    "special_event": "none 无, extension 展期, early_settlement 提前结清, substitution 代偿, relief 减免",
    "hardship": "none 无, arrangement 协商还款, disaster 受灾",
    "action": "upsert 新增或更新, delete 删除",
}

CODES = """
F0001 F0002 F0003 F0004 F0005 F0006 F0007 F0008 F0009 F0010 F0011
E1001 E1101 E1102 E1103 E1104 E1105 E1201 E1202 E1203 E1301 E1302 E1401
E2001 E2002 E2003 E2101 E2102 E2201 E2202 E2301 E2401 E2402 E2501 E2601 E2701
W3101 W3201 W3301 W3401 W4001 W4002 W4003 W4004 W4005 W4006
"""

PARTY = """
id_type id_no id_country name mobile role borrower_kind region consent_no consent_until
adverse_notice_on action
"""

REQUIRED = """
loan_no id_type id_no name role borrower_kind product guarantee currency principal balance
disbursed_on due_on repayment_method overdue_amount dpd class5 status
"""


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


def _pairs(text: str) -> list[tuple[str, ...]]:
    return [tuple(pair.split()) for pair in text.split(",")]


def test_fields_stand_in_the_contracts_order_with_their_headers(contract: Contract) -> None:
    assert [(field.name, field.zh) for field in contract.fields] == _pairs(FIELDS)
    assert len(contract.fields) == 37


@pytest.mark.parametrize("name", LABELS)
def test_labels_are_numbered_from_one_in_the_contracts_order(contract: Contract, name: str) -> None:
    labels = contract.field(name).labels
    assert [(label.name, label.zh) for label in labels] == _pairs(LABELS[name])
    assert [label.code for label in labels] == list(range(1, len(labels) + 1))


def test_only_the_listed_fields_are_enums(contract: Contract) -> None:
    assert {field.name for field in contract.fields if field.kind == "enum"} == set(LABELS)


def test_every_code_is_listed_exactly_once(contract: Contract) -> None:
    assert [check.code for check in contract.checks] == CODES.split()


def test_severity_follows_the_codes_letter(contract: Contract) -> None:
    by_letter = {"F": "refuse", "E": "reject", "W": "warn"}
    for check in contract.checks:
        assert check.severity == by_letter[check.code[0]], check.code


def test_phases_follow_the_code_families(contract: Contract) -> None:
    set_codes = {"E2001", "E2002", "E2003"}
    for check in contract.checks:
        expected = {
            "F0": {"file"},
            "E1": {"cell"},
            "E2": {"set"} if check.code in set_codes else {"row"},
            "W3": {"row"} if check.code in {"W3101", "W3401"} else {"cell"},
            "W4": {"registry"},
        }[check.code[:2]]
        assert {check.phase} == expected, check.code
        assert check.phase in PHASES


def test_the_edge_tool_gives_all_but_the_registrys_checks(contract: Contract) -> None:
    """And but for F0011: what was sealed for the platform only the platform opens."""
    assert [check.code for check in contract.checks if not check.edge] == [
        c for c in CODES.split() if c[:2] == "W4" or c == "F0011"
    ]


def test_only_the_vanished_loans_check_of_the_registry_is_carried_out_yet(contract: Contract) -> None:
    idle = {check.code for check in contract.checks if not check.active}
    assert idle == {"W4001", "W4002", "W4004", "W4005", "W4006"}


def test_party_and_required_fields_are_the_contracts(contract: Contract) -> None:
    assert sorted(field.name for field in contract.fields if field.party) == sorted(PARTY.split())
    assert [field.name for field in contract.fields if field.required] == REQUIRED.split()
    columns = {field.name for field in contract.fields if field.required_column}
    assert columns == {*REQUIRED.split(), "consent_no", "consent_until"}


def test_what_can_be_missing_is_covered_by_the_check_for_it(contract: Contract) -> None:
    assert set(contract.check("E1001").fields) == {*REQUIRED.split(), "id_country"}


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("E1202", {"money", "rate", "integer"}),
        ("E1203", {"date"}),
        ("E1301", {"enum"}),
        ("E1302", {"pattern"}),
    ],
)
def test_parse_checks_cover_every_field_of_their_kinds(
    contract: Contract, code: str, kinds: set[str]
) -> None:
    expected = {field.name for field in contract.fields if field.kind in kinds}
    assert set(contract.check(code).fields) == expected


def test_loan_fields_are_those_whose_rows_must_agree(contract: Contract) -> None:
    shared = [field.name for field in contract.fields if not field.party]
    assert list(contract.check("E2002").fields) == shared


def test_limits_stand_in_stored_units(contract: Contract) -> None:
    assert contract.field("principal").minimum == 1
    assert contract.field("balance").minimum == 0
    assert contract.field("principal").maximum == 10**18 - 1, "dec(18,2) in cents"
    assert (contract.field("annual_rate").minimum, contract.field("annual_rate").maximum) == (0, 36 * 10_000)
    lengths = {name: contract.field(name).max_length for name in ("loan_no", "contract_no", "purpose")}
    assert lengths == {"loan_no": 64, "contract_no": 64, "purpose": 32}
    for field in contract.fields:
        assert field.kind in KINDS
        numeric = field.kind in {"money", "rate", "integer"}
        assert numeric == (field.minimum is not None) == (field.maximum is not None), field.name


def test_patterns_take_codes_and_nothing_else(contract: Contract) -> None:
    def fits(name: str, text: str) -> bool:
        return re.fullmatch(contract.field(name).pattern or "", text) is not None

    assert fits("region", "110105") and not fits("region", "11010") and not fits("region", "1101050")
    assert fits("currency", "CNY") and not fits("currency", "cny") and not fits("currency", "RMB1")
    assert fits("id_country", "JPN") and not fits("id_country", "JP")
    assert not fits("region", "١١٠١٠٥"), "other scripts' digits are no digits here"


def test_every_text_is_chinese_or_english_as_its_name_says(contract: Contract) -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    for entry in (*contract.fields, *contract.checks):
        for name, text in vars(entry).items():
            if name in {"zh", "hint_zh"}:
                assert han.search(text), (entry, name)
            if name in {"en", "hint_en"}:
                assert text and not han.search(text), (entry, name)


def test_full_sentences_and_a_remedy_of_their_own(contract: Contract) -> None:
    for check in contract.checks:
        assert check.zh.endswith("。") and check.hint_zh.endswith("。"), check.code
        assert check.en.endswith(".") and check.hint_en.endswith("."), check.code
    for side in ("zh", "en", "hint_zh", "hint_en"):
        texts = [getattr(check, side) for check in contract.checks]
        assert len(set(texts)) == len(texts), f"two checks say the same in {side}"


def test_values_cannot_be_changed(contract: Contract) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        contract.fields[0].name = "other"  # type: ignore[misc]
    contract.field("class5").label_texts().clear()
    assert contract.field("class5").label_texts()["normal"] == 1
    assert load_contract() is contract
    hash(contract)


def test_unknown_names_are_key_errors(contract: Contract) -> None:
    with pytest.raises(KeyError):
        contract.field("surname")
    with pytest.raises(KeyError):
        contract.check("E9999")
    with pytest.raises(KeyError, match="class5 has no label 0"):
        contract.field("class5").label(0)


def test_states_are_numbered_with_plain_words() -> None:
    words = [(state.number, state.name, state.zh) for state in load_states()]
    assert words == [
        (1, "received", "已接收"),
        (2, "validated", "已校验"),
        (3, "pseudonymized", "已假名化"),
        (4, "awaiting_confirmation", "待确认"),
        (5, "published", "已入库"),
        (6, "refused", "已拒收"),
        (7, "withdrawn", "已撤回"),
    ]
    ends = {State(state.number) for state in load_states() if state.end}
    assert ends == {State.PUBLISHED, State.REFUSED, State.WITHDRAWN}
