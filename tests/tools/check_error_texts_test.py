#!/usr/bin/env python3
"""check_error_texts.py must find each kind of difference, and none where all agree."""
import pathlib
import tempfile
import unittest

import check_error_texts

SOURCE = '''
void throw_no_fiber(const char* call) {
    throw usage_error(std::string(call) + " suspends; " "it's (no) \\"task\\"");
}
fiber& require_fiber(const char* call) {
    if (self == nullptr) throw_no_fiber(call);
}
void sleep() { require_fiber("sleep"); }  // throw usage_error("of a comment");
void give(bool done) {
    throw invalid_state_error("set: the " + describe() + " is " + (done ? "done" : "gone") + " already");
}
void tell() {
    const std::string text =
        std::string("lost; ") + "for good";
    loop.report({text, nullptr, {}});
    throw std::system_error(errno, std::system_category(), "eventfd");
}
'''
ROWS = (
    '| `<call> suspends; it\'s (no) "task"` | `usage_error` | `sleep` | |',
    "| `set: the <thing> is done already` | `invalid_state_error` | | |",
    "| `set: the <thing> is gone already` | `invalid_state_error` | | |",
    "| `lost; for good` | report | | |",
    "| `eventfd` | `std::system_error` | | |",
)
TESTS = r'''
"sleep suspends; it's (no) "
"\"task\""
"set: the future is done already" "set: the future is gone already"; "lost; for good"
'''


class Differences(unittest.TestCase):
    def found(self, source=SOURCE, rows=ROWS, tests=TESTS):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            page = "## Texts\n" + "\n".join(rows) + "\n"
            for path, text in {"lib/a.cpp": source, "docs/errors.md": page, "tests/a.cpp": tests}.items():
                (root / path).parent.mkdir(exist_ok=True)
                (root / path).write_text(text)
            return list(check_error_texts.complaints(root))

    def refuses(self, *words, **tree):
        found = self.found(**tree)
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])

    def test_none(self):
        self.assertEqual(self.found(), [])

    def test_a_text_that_the_page_does_not_have(self):
        self.refuses("lib/a.cpp:", "does not have", "lost; for good", rows=[r for r in ROWS if "lost" not in r])

    def test_a_text_that_the_sources_do_not_have(self):
        self.refuses("docs/errors.md:7", "nothing", "`of a comment`",
                     rows=[*ROWS, "| `of a comment` | `usage_error` | | |"])

    def test_a_row_that_is_there_twice(self):
        self.refuses("docs/errors.md:7", "twice", rows=[*ROWS, ROWS[-1]])

    def test_a_call_that_is_missing(self):
        self.refuses("`nap` is missing", source=SOURCE + 'void nap() { require_fiber("nap"); }')

    def test_a_call_that_does_not_throw(self):
        self.refuses("`nap` does not throw", rows=[ROWS[0].replace("`sleep`", "`sleep` `nap`"), *ROWS[1:]])

    def test_another_type(self):
        self.refuses("is a std::system_error, not a usage_error",
                     rows=[*ROWS[:-1], ROWS[-1].replace("std::system_error", "usage_error")])

    def test_a_text_without_a_test(self):
        self.refuses("no test has `lost; for good`", tests=TESTS.replace("good", "bad"))


if __name__ == "__main__":
    unittest.main()
