"""The command `huxin-edge`."""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path

from huxin_edge import asking, checking, keys, receipts, sealing, submitting, tokenizing
from huxin_edge.command import CODES, DONE, FAILED, INTERRUPTED, MISUSED, Commands, Context, add, add_common
from huxin_edge.say import Voice, fit_console, language_of
from huxin_edge.settings import NAMES, read_settings, settings_file, store
from huxin_privacy.errors import PrivacyError

# What may be otherwise in a moment: the platform is away or has not come to an end, the program fell over.
_PASSING = frozenset({"P0181", "P0192", "P0194"})


def main(words: list[str] | None = None) -> int:
    """Runs a command and gives its exit code; a fault is told in one line, in the user's language."""
    fit_console()
    arguments = parser().parse_args(words)
    voice = Voice(language_of(arguments.language), arguments.json)
    try:
        file = settings_file(arguments.config)
        settings = read_settings(file, vars(arguments))
        voice = Voice(language_of(settings.language), arguments.json)
        return int(arguments.run(arguments, Context(settings, file, voice)))
    except PrivacyError as error:
        return _told(error, voice)
    except KeyboardInterrupt:
        voice.note("已中断，重新运行同一命令即可", "Interrupted; run the same command again")
        return INTERRUPTED
    except OSError as error:  # a full disk, a folder that cannot be written to
        place = Path(error.filename).name if isinstance(error.filename, str) else ""
        voice.note(f"{error.strerror} {place}", f"{error.strerror} {place}")
        return FAILED
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":  # polars' is none
            raise
        return _told(PrivacyError("P0194", kind=type(error).__name__, places=_places(error)), voice)


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    whole = argparse.ArgumentParser(
        prog="huxin-edge", description="互信会员机构工具 · a member's own tool", epilog=CODES
    )
    add_common(whole)
    commands: Commands = whole.add_subparsers(required=True, metavar="COMMAND")
    setting = add(commands, "set", set_, "保存一项设置 · stores a setting")
    setting.add_argument("name", choices=[name for name in NAMES if name != "seal_key"])
    setting.add_argument("value")
    for module in (keys, checking, sealing, tokenizing, submitting, asking, receipts):
        module.register(commands)
    return whole


def set_(arguments: argparse.Namespace, context: Context) -> int:
    """Into huxin-edge.toml, so that other commands need not be told."""
    store(context.file, **{arguments.name: arguments.value})
    return DONE


def _told(error: PrivacyError, voice: Voice) -> int:
    sys.stderr.write(f"{error.code} {error.text(voice.language)}\n")
    if voice.as_json:
        voice.data({"error": error.code, "text": error.text(voice.language)})
    return FAILED if error.code in _PASSING else MISUSED


def _places(error: BaseException) -> str:
    """Where an error came from, without its text, which may quote a cell."""
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    return " > ".join(f"{Path(frame.filename).stem}.{frame.name}:{frame.lineno}" for frame in frames)


def run() -> None:
    """The entry point."""
    sys.exit(main())
