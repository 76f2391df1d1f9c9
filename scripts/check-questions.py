#!/usr/bin/env python3
"""Checks `examples/company/questions.jsonl` against the documents and the code that it asks about, and counts it.

    scripts/check-questions.py [the company's folder]

Every place that a question expects must be there, and hold word for word what a right answer has to contain; nobody is
expected to cite what the question's scopes do not open. Each mistake is printed with its line; the exit status is 1 then.
"""

import collections
import json
import pathlib
import re
import sys

KINDS = ("plain", "unanswerable", "two-documents", "typo", "code")
PARTS = ("tune", "report")
FIELDS = {"id", "part", "kind", "question", "expected", "holds"}
LEAST = {"unanswerable": 30, "two-documents": 20, "typo": 20, "code": 25}
LEAST_IN_ALL = 160
IN_TUNE = 60
# This many words in a row that stand in a file too are a copy of it, and no question of a person.
COPIED_WORDS = 7


class Document:
    """A file as a question can refer to it: by heading, by line, or by the scope that it needs."""

    def __init__(self, text):
        self.lines = text.split("\n")
        self.audience, self.sections = None, collections.defaultdict(list)
        body = self.front_matter()
        self.read_sections(body)

    def front_matter(self):
        if self.lines[0] != "---":
            return 0
        end = self.lines.index("---", 1)
        for line in self.lines[1:end]:
            key, _, value = line.partition(":")
            if key == "audience":
                self.audience = value.strip()
        return end + 1

    def read_sections(self, start):
        heading, is_code = "", False
        for line in self.lines[start:]:
            is_code ^= line.startswith("```")
            title = re.fullmatch(r"#{1,6} +(.*)", line)
            if title and not is_code:
                heading = re.sub(r"[`*]", "", title[1]).strip()
                self.sections[heading].append("")
            elif heading:
                self.sections[heading][-1] += line + "\n"

    def part(self, place):
        """The text of a place, or what is wrong with the place."""
        if "heading" in place:
            found = self.sections.get(place["heading"], [])
            if len(found) != 1:
                return None, f"the heading {place['heading']!r} is there {len(found)} times"
            return found[0], None
        first, last = place["lines"]
        if not 1 <= first <= last <= len(self.lines):
            return None, f"there are no lines {first} to {last}"
        return "\n".join(self.lines[first - 1 : last]), None


def is_place(place):
    """Whether an expected place has the right form."""
    if not isinstance(place, dict) or not isinstance(place.get("file"), str):
        return False
    if set(place) == {"file", "heading"}:
        return isinstance(place["heading"], str)
    lines = place.get("lines")
    return set(place) == {"file", "lines"} and isinstance(lines, list) and [type(line) for line in lines] == [int, int]


def wrong_form(question):
    """What is wrong with a question by itself; nothing when the rest can be checked."""
    if not isinstance(question, dict) or set(question) - {"scopes"} != FIELDS:
        return "the fields are not " + ", ".join(sorted(FIELDS))
    if not re.fullmatch(r"q\d{3}", str(question["id"])):
        return "the id is not q and three digits"
    if question["kind"] not in KINDS or question["part"] not in PARTS:
        return "no such kind or part"
    if not isinstance(question["question"], str) or not question["question"].strip():
        return "nothing is asked"
    if not isinstance(question["expected"], list) or not all(map(is_place, question["expected"])):
        return "an expected place is not a file with a heading or two lines"
    for field in ("holds", "scopes"):
        values = question.get(field, ["-"])
        if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() for value in values):
            return f"{field} is not a list of texts"
    return None


def wrong_content(question, documents):
    """Everything in a question that does not agree with the files."""
    kind, expected, holds = question["kind"], question["expected"], question["holds"]
    if kind == "unanswerable":
        if expected or holds:
            yield "expects something, though it cannot be answered"
        return
    if not 1 <= len(holds) <= 3:
        yield f"holds {len(holds)} strings"
    if len({place["file"] for place in expected}) != (2 if kind == "two-documents" else 1):
        yield "does not expect the number of files that its kind asks for"
    texts = []
    for place in expected:
        document = documents.get(place["file"])
        if document is None:
            yield f"there is no file {place['file']}"
            continue
        if place["file"].startswith("code/") != (kind == "code") or ("lines" in place) != (kind == "code"):
            yield f"{place['file']} is no place for its kind"
        if document.audience and document.audience not in question.get("scopes", []):
            yield f"{place['file']} needs the scope {document.audience}"
        text, mistake = document.part(place)
        if mistake:
            yield f"{place['file']}: {mistake}"
        else:
            texts.append((place["file"], text))
    for hold in holds:
        if "\n" in hold or not any(hold in text for _, text in texts):
            yield f"{hold!r} stands in no expected place"
    for file, text in texts:
        if not any(hold in text for hold in holds):
            yield f"nothing that it holds stands in {file}"


def words(text):
    return re.findall(r"[a-z0-9]+", text.lower())


def runs(text):
    every = words(text)
    return {tuple(every[at : at + COPIED_WORDS]) for at in range(len(every) - COPIED_WORDS + 1)}


def wrong_counts(counts):
    """Whether there is enough of each kind, and the same share of each in both parts."""
    kinds = {kind: sum(counts[kind, part] for part in PARTS) for kind in KINDS}
    total = sum(kinds.values())
    tune = sum(counts[kind, "tune"] for kind in KINDS)
    if total < LEAST_IN_ALL:
        yield f"{total} questions, fewer than {LEAST_IN_ALL}"
    if tune != IN_TUNE:
        yield f"{tune} questions in the part tune, not {IN_TUNE}"
    for kind in KINDS:
        if kinds[kind] < LEAST.get(kind, 1):
            yield f"{kinds[kind]} questions of the kind {kind}, fewer than {LEAST.get(kind, 1)}"
        if total and abs(counts[kind, "tune"] - kinds[kind] * tune / total) > 1:
            yield f"{kind}: {counts[kind, 'tune']} of {kinds[kind]} in tune, another share than of all"


def read_files(company):
    return {
        path.relative_to(company).as_posix(): path.read_text(encoding="utf-8")
        for folder in ("documents", "code")
        for path in sorted((company / folder).rglob("*"))
        if path.is_file()
    }


def check(company):
    """Prints mistakes and counts; returns how many mistakes there are."""
    files = read_files(company)
    documents = {file: Document(text) for file, text in files.items()}
    copied = {run: file for file, text in files.items() for run in runs(text)}
    mistakes, counts, ids, texts = [], collections.Counter(), {}, {}
    scoped, asked = 0, set()
    lines = (company / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            question = json.loads(line)
        except ValueError as cause:
            mistakes.append(f"{number}: {cause}")
            continue
        form = wrong_form(question)
        if form:
            mistakes.append(f"{number}: {form}")
            continue
        found = list(wrong_content(question, documents))
        for seen, key, what in ((ids, question["id"], "id"), (texts, " ".join(words(question["question"])), "question")):
            if key in seen:
                found.append(f"the same {what} as in line {seen[key]}")
            seen[key] = number
        found += sorted({f"copies {copied[run]}" for run in runs(question["question"]) if run in copied})
        mistakes += [f"{number}: {question['id']}: {mistake}" for mistake in found]
        counts[question["kind"], question["part"]] += 1
        scoped += "scopes" in question
        asked |= {place["file"] for place in question["expected"]}
    mistakes += wrong_counts(counts)
    mistakes += [f"nothing asks about {file}" for file in sorted(set(files) - asked)]

    print(f"{'kind':<14} {'tune':>5} {'report':>7} {'all':>5}")
    for kind in KINDS:
        tune, report = (counts[kind, part] for part in PARTS)
        print(f"{kind:<14} {tune:>5} {report:>7} {tune + report:>5}")
    tune, report = (sum(counts[kind, part] for kind in KINDS) for part in PARTS)
    print(f"{'all':<14} {tune:>5} {report:>7} {tune + report:>5}")
    print(f"{scoped} questions with scopes; {len(files)} files, {len(asked)} of them asked about")
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    return len(mistakes)


if __name__ == "__main__":
    here = pathlib.Path(__file__).resolve().parent.parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "examples/company"
    sys.exit(1 if check(folder) else 0)
