#!/usr/bin/env python3
"""check_floors.py must find each kind of breach, and none in a clean tree."""
import pathlib
import tempfile
import unittest

import check_floors


class Breaches(unittest.TestCase):
    def found(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            return list(check_floors.breaches(root))

    def refuses(self, files, *words):
        found = self.found(files)
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])

    def test_a_clean_tree_passes(self):
        self.assertEqual([], self.found({
            "include/brio/error.hpp": "#include <string>\n",
            "include/brio/task.hpp": "#include <brio/error.hpp>\n#include <brio/gather.hpp>\n",
            "include/brio/gather.hpp": "",
            "lib/base/assert.hpp": "",
            "lib/context/switch.cpp": "#include <boost/context/detail/fcontext.hpp>\n",
            "lib/task/task.hpp": '#include "base/assert.hpp"\n',
            "lib/task/task.cpp": '#include "task.hpp"\n#include <brio/task.hpp>\n',
            "io/reactor/uring.cpp": '#include "task/task.hpp"\n#include <liburing.h>\n',
            "tests/posix/curl.cpp": '#include "task/task.hpp"\n#include <curl/curl.h>\n#include <gtest/gtest.h>\n',
            "bench/yield.cpp": "#include <benchmark/benchmark.h>\n#include <boost/fiber/all.hpp>\n#include <brio/task.hpp>\n",
        }))

    def test_a_higher_floor(self):
        self.refuses({"lib/scheduler/loop.cpp": '\n  #  include "task/task.hpp"\n', "lib/task/task.hpp": ""},
                     "lib/scheduler/loop.cpp:2", "may not include lib/task")

    def test_lib_includes_io(self):
        self.refuses({"lib/debug/dump.cpp": '#include "ops/ops.hpp"\n', "io/ops/ops.hpp": ""}, "may not include io/ops")

    def test_the_highest_floor_of_lib_includes_io(self):
        self.refuses({"lib/testing/pair.cpp": '#include "ops/ops.hpp"\n', "io/ops/ops.hpp": ""}, "lib never includes io")

    def test_neighbours_on_one_floor(self):
        self.refuses({"io/net/socket.cpp": '#include "file/file.hpp"\n', "io/file/file.hpp": ""}, "may not include io/file")

    def test_a_public_header_of_a_higher_floor(self):
        self.refuses({"lib/context/switch.cpp": "#include <brio/task.hpp>\n", "include/brio/task.hpp": ""}, "brio/task.hpp")
        self.refuses({"include/brio/error.hpp": "#include <brio/task.hpp>\n", "include/brio/task.hpp": ""}, "brio/task.hpp")

    def test_a_public_header_includes_a_private_one(self):
        self.refuses({"include/brio/task.hpp": '#include "task/task.hpp"\n', "lib/task/task.hpp": ""}, "only public")

    def test_a_heavy_header(self):
        self.refuses({"include/brio/task.hpp": "#include <iostream>\n"}, "too heavy")

    def test_foreign_headers(self):
        self.refuses({"lib/task/task.cpp": "#include <boost/context/fiber.hpp>\n"}, "confined to lib/context")
        self.refuses({"lib/base/list.hpp": "#include <boost/intrusive/list.hpp>\n"}, "confined to bench")
        self.refuses({"io/net/socket.cpp": "#include <liburing.h>\n"}, "confined to io/reactor")
        self.refuses({"io/posix/real.cpp": "#include <curl/curl.h>\n"}, "confined to examples")
        self.refuses({"io/net/socket.cpp": "#include <openssl/ssl.h>\n"}, "confined to io/tls")

    def test_tests_only(self):
        self.refuses({"lib/task/run.cpp": '#include "testing/clock.hpp"\n', "lib/testing/clock.hpp": ""}, "lib/testing")

    def test_an_example_uses_the_public_api(self):
        self.refuses({"examples/hello.cpp": '#include "../lib/task/task.hpp"\n', "lib/task/task.hpp": ""}, "examples/hello.cpp:1")

    def test_a_file_on_no_floor(self):
        self.refuses({"lib/misc/stuff.cpp": ""}, "belongs to no floor")
        self.refuses({"include/brio/stuff.hpp": ""}, "belongs to no floor")

    def test_a_missing_file(self):
        self.refuses({"lib/task/task.cpp": '#include "task/lost.hpp"\n'}, "no such file")


if __name__ == "__main__":
    unittest.main()
