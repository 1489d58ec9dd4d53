"""What is wrong with a text that is not YAML, in the words of somebody who writes rules.

A YAML parser tells what it expected when it gave up; people need to know what they wrote.
"""

import re

from ruamel.yaml.error import YAMLError

from rules.faults import Fault

_VALUE = re.compile(r"^\s*(?:- )?[^\s:#'\"{\[]+:\s+(?P<value>.*)$")


def syntax_fault(name: str, text: str, error: YAMLError) -> Fault:
    """Returns the fault that a parser's complaint is about, with the way out."""
    lines = text.split("\n")
    problem = str(getattr(error, "problem", None) or "")
    around = str(getattr(error, "context", None) or "")
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    begun = getattr(error, "context_mark", None)
    here = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    start = (begun.line + 1, begun.column + 1) if begun else here
    said = problem or around or str(error)
    place, message, help_ = here, said, ""
    line = _line(lines, here)
    sign = line[here[1] - 1 : here[1]]
    if sign == "\t" or re.match(r" *\t", line):
        place = (here[0], line.index("\t") + 1)
        message, help_ = "a tab cannot stand here", "indent with spaces"
    elif "quoted scalar" in around and "end of stream" in problem:
        place, message = start, "the quote that begins here is never closed"
        help_ = "add the closing quote"
    elif "flow" in around:
        sign = _line(lines, start)[start[1] - 1 : start[1]]
        place, message = start, f"the {sign} that begins here is not closed where it should be"
        help_ = "check the brackets and commas"
    elif "cannot start any token" in problem:
        message, help_ = f"a value cannot begin with {sign}", "put it in quotes"
    elif "mapping values are not allowed" in problem:
        place, message, help_ = _second_colon(line, here)
    elif "could not find expected ':'" in problem:
        place, message = start, "a key needs ': ' and a value"
        help_ = "write key: value, with a space after the colon"
    elif "block" in around or "<block end>" in problem:
        message, help_ = _broken_block(line, here[1])
    return Fault(
        code="S101",
        file=name,
        line=place[0],
        column=place[1],
        message=f"this is not YAML: {message}",
        help=help_,
    )


def _line(lines: list[str], place: tuple[int, int]) -> str:
    return lines[place[0] - 1] if place[0] <= len(lines) else ""


def _second_colon(line: str, here: tuple[int, int]) -> tuple[tuple[int, int], str, str]:
    if ": " in line[: here[1] - 1]:
        return here, "a second ': ' in one line", "put the text in quotes"
    indent = len(line) - len(line.lstrip())
    message = "this line is indented deeper than the value above it allows"
    return (here[0], indent + 1), message, "indent it like the keys beside it"


def _broken_block(line: str, column: int) -> tuple[str, str]:
    """Says why a block ends where it should not, going by what its line looks like."""
    value = _VALUE.match(line)
    first = value["value"][:1] if value and value.start("value") < column - 1 else ""
    if first and first in "{[":
        return (
            f"a value that begins with {first} is a map or list, and text follows it",
            "put the whole text in quotes",
        )
    if first and first in "\"'":
        other = "single" if first == '"' else "double"
        return "text follows the closing quote", f"put the whole text in {other} quotes"
    return "the indentation does not fit the lines around it", "indent it like the keys beside it"
