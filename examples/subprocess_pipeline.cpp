// printf | sort | uniq -c: three programs at once, each reading what the one before it writes.
//
// A pipe between two programs is one that we make and lend to both; what we read ourselves is a
// stream.

#include <brio/brio.hpp>
#include <brio/io/pipe.hpp>
#include <brio/subprocess.hpp>

#include <cstdio>
#include <string>

using brio::create_subprocess_exec;

int main() {
    brio::run([] {
        auto a = brio::io::pipe();
        auto b = brio::io::pipe();
        auto words =
            create_subprocess_exec({"printf", "%s\n", "pear", "fig", "pear", "plum", "fig"},
                                   {.stdout = a.writer.native_handle()});
        auto sort = create_subprocess_exec(
            {"sort"}, {.stdin = a.reader.native_handle(), .stdout = b.writer.native_handle()});
        auto count = create_subprocess_exec(
            {"uniq", "-c"}, {.stdin = b.reader.native_handle(), .stdout = brio::subprocess::pipe});
        // Who reads a pipe finds its end once nobody can write to it: not we either.
        for (auto* ends : {&a, &b}) {
            ends->reader.close();
            ends->writer.close();
        }

        for (const std::string& line : *count.stdout) std::printf("%s", line.c_str());
        for (auto* program : {&words, &sort, &count})
            if (const int status = program->wait(); status != 0)
                std::printf("process %d ended with %d\n", program->pid(), status);
    });
}

// Prints:
//         2 fig
//         2 pear
//         1 plum
