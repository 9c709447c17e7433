"""One error type of this package, with stable codes P01xx and their texts in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

TEXTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "P0101": (
            "没有名为 {suite} 的算法套件，可用的有 {known}",
            "no suite is named {suite}: there are {known}",
        ),
        "P0102": ("证件类型 {type} 未知", "identifier type {type} is unknown"),
        "P0103": ("列中有空值，请先筛去空值再计算", "the column holds nulls: filter them out before hashing"),
        "P0104": ("密钥或缓冲区的长度不对", "a key or buffer has the wrong length"),
        "P0105": ("标识过长，超过 65535 字节", "an identifier is longer than 65535 bytes"),
        "P0106": (
            "这里的 cryptography 不含套件 {suite} 的算法，请安装其官方发行包",
            "cryptography as built here lacks the algorithms of suite {suite}: install its own wheel",
        ),
        "P0110": (
            "找不到 {zone} 区的主密钥：请设置环境变量 {variable} 或提供文件 {path}",
            "no key-encryption key for zone {zone}: set {variable} or provide the file {path}",
        ),
        "P0111": (
            "主密钥文件 {path} 的权限为 {mode}，须为 0600：请执行 chmod 600",
            "the key file {path} has mode {mode}, it must be 0600: run chmod 600 on it",
        ),
        "P0112": (
            "{zone} 区的主密钥不是 32 字节的 base64",
            "the key-encryption key of zone {zone} is not base64 of 32 bytes",
        ),
        "P0113": (
            "{zone} 区已有密钥环，不会覆盖",
            "zone {zone} has a keyring already; it is never overwritten",
        ),
        "P0114": ("找不到 {zone} 区的密钥环", "zone {zone} has no keyring here"),
        "P0115": (
            "主密钥与 {zone} 区的密钥环不匹配",
            "the key-encryption key is not the one that sealed the keyring of zone {zone}",
        ),
        "P0116": (
            "{zone} 区的密钥环已损坏或被改动，请从备份恢复",
            "the keyring of zone {zone} is damaged or was changed: restore it from a backup",
        ),
        "P0117": ("密钥环没有第 {epoch} 期密钥", "the keyring has no epoch {epoch}"),
        "P0118": ("第 {epoch} 期密钥已销毁", "the key of epoch {epoch} is destroyed"),
        "P0119": (
            "第 {epoch} 期密钥的状态是 {state}，不能转为 {wanted}",
            "epoch {epoch} is {state} and cannot become {wanted}",
        ),
        "P0120": (
            "第 {epoch} 期密钥仍有 {count} 条依赖，不能销毁",
            "epoch {epoch} cannot be destroyed: {count} entries still depend on it",
        ),
        "P0121": (
            "{zone} 区的密钥环已被其他进程更新，请重新打开后再试",
            "another process changed the keyring of zone {zone}: open it again and retry",
        ),
        "P0122": ("区名 {zone} 未知", "zone {zone} is unknown"),
        "P0124": (
            "主密钥在 Vault 中，但没有安装客户端：请安装 huxin-privacy[vault]",
            "key-encryption keys are in Vault, and its client is not installed: install huxin-privacy[vault]",
        ),
        "P0125": (
            "无法从 Vault（{address}）读取 {zone} 区的主密钥：{reason}。请检查 Vault 是否可达、令牌是否有效",
            "the key-encryption key of zone {zone} could not be read from Vault ({address}): {reason}. "
            "See that it can be reached and that the token holds",
        ),
        "P0126": (
            "Vault 中没有 {zone} 区的主密钥：请在 {place} 写入字段 kek",
            "Vault holds no key-encryption key of zone {zone}: write the field kek at {place}",
        ),
        "P0127": (
            "Vault 的设置不可用：{variable} 须写成 {form}",
            "Vault is not set up: {variable} has to be {form}",
        ),
        "P0128": (
            "{zone} 区的主密钥正在更换：{path} 中已有另一把新主密钥，请不带新文件再次执行，完成后再换",
            "the key-encryption key of zone {zone} is being exchanged for the one in {path}: "
            "run it without a file to finish that first",
        ),
        "P0130": ("{name} 不是密封文件，或版本未知", "{name} is not a sealed file, or of an unknown version"),
        "P0131": (
            "密封文件 {name} 属于别的批次或阶段",
            "the sealed file {name} belongs to another submission, purpose, stage or attempt",
        ),
        "P0132": ("密封文件 {name} 被截断", "the sealed file {name} is cut short"),
        "P0133": ("密封文件 {name} 已损坏或被改动", "the sealed file {name} is damaged or was changed"),
        "P0134": (
            "批次 {submission} 的密钥已销毁，文件无法再读取",
            "the key of submission {submission} is gone: its files can no longer be read",
        ),
        "P0135": (
            "批次 {submission} 的密钥文件已损坏或属于别的批次",
            "the key file of submission {submission} is damaged or belongs to another submission",
        ),
        "P0136": ("批次 {submission} 已有密钥，不会覆盖", "submission {submission} has a key already"),
        "P0139": (
            "答复中没有承诺（promise 为 null）：授信占用由夜间终止或恢复，或记录已被删除。"
            "未删除的，一分钟后取该次变动的存证回执再核验："
            "GET /v1/reservations/编号/receipt?act=ended（恢复的为 act=resumed）",
            "there is no promise in this answer (it is null): the night has ended or resumed the reservation, "
            "or its record was erased. Unless it was, get the receipt of that act a minute later, and check that: "
            "GET /v1/reservations/ID/receipt?act=ended (or act=resumed)",
        ),
        "P0140": (
            "这不是存证回执或存证承诺，或其中有缺失、多余、写错的部分",
            "this is no receipt or promise, or a part of it is missing, unknown or misspelt",
        ),
        "P0141": ("日志检查点的格式不对", "the checkpoint is not a signed note in the right form"),
        "P0142": (
            "没有用所给公钥签的名：请核对公钥是否属于这个日志",
            "none of the given keys has signed this: see that the key is this log's",
        ),
        "P0143": (
            "{name} 的签名不对：内容或签名被改动",
            "the signature of {name} is wrong: text or signature was altered",
        ),
        "P0144": (
            "记录、盐值、编号或证明路径与日志不符（编号 {number}）：已被改动，或不属于这个检查点",
            "record, salt, number or path are not what the log holds (number {number}): "
            "one was altered, or is not of this checkpoint",
        ),
        "P0145": (
            "编号 {number} 不在大小为 {size} 的日志之内",
            "number {number} does not lie within a log of {size}",
        ),
        "P0146": (
            "证明路径的长度与编号和日志大小不符",
            "the path has not the length that number and size demand",
        ),
        "P0147": (
            "大小为 {new} 的日志不是大小为 {old} 的日志的延续：日志被改写过",
            "the log of size {new} does not continue the log of size {old}: it was rewritten",
        ),
        "P0148": (
            "公钥的写法不对：应为一行“名称+8 位十六进制+base64”",
            "the key is malformed: it is one line, name+8 hex digits+base64",
        ),
        "P0149": (
            "这份答复不是所承诺的那一份：答复或其中的承诺已被改动",
            "the answer is not the one that was promised: it, or the promise in it, was altered",
        ),
        "P0150": ("公钥或私钥不是 X25519 密钥", "a public or private key is no X25519 key"),
        "P0151": (
            "密文无法打开：不是发给这把密钥的，用途或所属不同，或已被改动",
            "the sealed text does not open: it is for another key, purpose or owner, or was cut or changed",
        ),
        "P0153": (
            "这不是密封的报送文件，或版本未知",
            "this is no sealed submission, or one of an unknown version",
        ),
        "P0154": (
            "密封文件属于别的会员机构或别的报送规范，不能以此名义报送",
            "the sealed file belongs to another member or another contract than it is sent under",
        ),
        "P0155": ("密封文件不完整（被截断）", "the sealed file is cut short"),
        "P0156": ("密封文件已损坏或被改动", "the sealed file is damaged or was changed"),
        "P0157": (
            "密封所用的公钥不是平台现在的公钥：请重新获取公钥后再密封",
            "it is sealed to a key that the platform does not hold: fetch its present key and seal again",
        ),
        "P0158": (
            "平台公钥的写法不对：应为一行“huxin-seal+8 位十六进制+base64”",
            "the platform's key is malformed: it is one line, huxin-seal+8 hex digits+base64",
        ),
        "P0160": (
            "盲查所需的 libsodium 不可用：请安装 huxin-privacy[blind]，并确认临时目录允许装载程序库",
            "libsodium, which blind mode needs, is not there: install huxin-privacy[blind], "
            "and see that libraries may be loaded from the temporary folder",
        ),
        "P0161": (
            "第 {place} 个值不是群元素：损坏、写法不规范，或是单位元",
            "value {place} is no element of the group: damaged, not in its one encoding, or the identity",
        ),
        "P0162": (
            "一次盲算须有 1 至 {most} 个元素，这里是 {count} 个",
            "an evaluation takes 1 to {most} elements, these are {count}",
        ),
        "P0163": (
            "证明不成立：盲算没有用公布的密钥，结果一个也不可用。请核对所固定的公钥，并通知协会",
            "the proof does not hold: the evaluation was not made with the published key, and nothing of it may be "
            "used. Compare the key you pinned, and tell the association",
        ),
        "P0164": (
            "这不是盲查公钥的公布内容，或固定的文件已损坏",
            "these are no published keys of blind mode, or the file that pins them is damaged",
        ),
        "P0165": (
            "平台公布的盲查公钥与 {path} 中固定的不符。若协会已公告换钥，请与其他会员核对指纹后删除该文件重新固定；"
            "否则请停止使用并通知协会",
            "the keys that the platform publishes are not those pinned in {path}. If the association has announced new "
            "ones, compare the fingerprint with other members, remove the file and pin anew; if not, stop and tell it",
        ),
        "P0166": (
            "密封的群元素无法打开：已被改动，或属于别的会员、别的查询",
            "the sealed element does not open: it was changed, or is another member's or enquiry's",
        ),
        "P0167": (
            "清单中的元素密钥无法打开：已被改动，或属于别的会员、别的文件",
            "the manifest's element key does not open: it was changed, or is another member's or file's",
        ),
        "P0168": (
            "密封的群元素与所在行不符，或已被改动",
            "a sealed element is not of its row and file, or was changed",
        ),
        "P0169": (
            "本地元素缓存 {path} 已损坏，或不是用这把本地密钥密封的。请删除它，下次会重新生成",
            "the local cache {path} is damaged, or not sealed with this local key. Delete it: it will be made again",
        ),
        "P0170": (
            "这不是查询凭证或区间密函，或已被截断",
            "this is no ticket or envelope of a zone, or it was cut short",
        ),
        "P0171": (
            "查询凭证或区间密函的签名不对：不是该区签发，或内容被改动",
            "the ticket's or envelope's signature is wrong: another zone's, or the content was altered",
        ),
        "P0172": (
            "内容是用第 {epoch} 期公钥加密的，本区没有这一期密钥：请把本区现在的公开资料交给对方",
            "sealed to the public key of epoch {epoch}, not held here: give the sender this zone's present card",
        ),
        "P0180": (
            "缺少设置 {what}：请在命令行给出，或写入 huxin-edge.toml",
            "the setting {what} is missing: give it on the command line or in huxin-edge.toml",
        ),
        "P0181": (
            "连不上平台 {url}（{why}）：请检查网络和地址，稍后重试同一命令",
            "the platform {url} cannot be reached ({why}): see to network and address, and run the same command again",
        ),
        "P0182": ("平台未予受理：{refusal} {said}", "the platform refused: {refusal} {said}"),
        "P0183": ("文件 {file} 不存在或无法读取", "the file {file} is not there or cannot be read"),
        "P0184": (
            "{file} 不是 P-256 或 Ed25519 私钥（PEM）",
            "{file} holds no private key of P-256 or Ed25519 (PEM)",
        ),
        "P0185": ("文件 {file} 已存在，不会覆盖", "the file {file} exists already and is not overwritten"),
        "P0186": (
            "待核查询 {name} 打不开：它属于别的密钥或会员机构，或已损坏",
            "the question {name} that waits does not open: it is another key's or member's, or is damaged",
        ),
        "P0187": ("文件 {file} 无法读取：{check} {why}", "the file {file} cannot be read: {check} {why}"),
        "P0188": (
            "清单 {file} 缺失或有误（{reason}）：请用 huxin-edge manifest 生成",
            "the manifest {file} is missing or malformed ({reason}): make it with huxin-edge manifest",
        ),
        "P0189": (
            "缺少 {module}：请安装 huxin-privacy[edge]",
            "{module} is missing: install huxin-privacy[edge]",
        ),
        "P0190": (
            "平台现在的公钥 {now} 与已确认的 {pinned} 不同：请与协会电话核对，"
            "再执行 huxin-edge keys fetch --confirm {now}",
            "the platform's present key {now} is not the confirmed one, {pinned}: compare it with the association by "
            "telephone, then run huxin-edge keys fetch --confirm {now}",
        ),
        "P0191": (
            "设置文件 {file} 有误（{what}）",
            "the settings file {file} is malformed ({what})",
        ),
        "P0192": (
            "等待 {seconds} 秒后批次 {submission} 仍为 {state}：再次执行同一命令即可继续等待",
            "after {seconds} s submission {submission} is still {state}: the same command goes on waiting",
        ),
        "P0193": (
            "校验规则 {rules}（{suite}）无法执行，没有放行任何记录",
            "the rules {rules} ({suite}) could not be evaluated, so no row has passed",
        ),
        "P0194": (
            "程序内部错误 {kind}（{places}）：没有做到一半的内容。请重新执行，仍出现时把这一行告诉协会",
            "a fault of the program, {kind} ({places}); nothing is half done. Run it again; if it persists give this "
            "line to the association, it holds no data",
        ),
        "P0195": (
            "证件号码有误（{codes}），没有发出查询",
            "the identifier is malformed ({codes}); nothing was asked",
        ),
        "P0200": (
            "登记区存放的群元素已损坏，或属于别的别名",
            "an element that the registry keeps is damaged, or stands beside another's alias",
        ),
        "P0201": (
            "文件中的群元素是用已停用的盲查密钥生成的。请固定新的公钥后重新生成文件",
            "the file's elements are of a key of blind mode that is at work no longer: pin the new keys, and make the "
            "file again",
        ),
    }
)


class PrivacyError(Exception):
    """A fault this package foresees. `facts` fill the text; they never hold a key or an identifier."""

    def __init__(self, code: str, **facts: object) -> None:
        self.code = code
        self.facts = facts
        super().__init__(f"{code}: {self.text('en')}")

    def text(self, language: str) -> str:
        """The fault in `language` ("zh" or "en")."""
        chinese, english = TEXTS[self.code]
        return (chinese if language == "zh" else english).format(**self.facts)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.code, self.facts)


def _rebuild(code: str, facts: dict[str, object]) -> PrivacyError:
    return PrivacyError(code, **facts)
