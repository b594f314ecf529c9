// A task runs while the others wait. To wait is to call a function: nothing is marked.

#include <brio/brio.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

static void say_slowly(const char* word) {
    brio::sleep(20ms);
    std::puts(word);
}

int main() {
    brio::run([] {
        auto other = brio::create_task([] { say_slowly("world"); });
        std::puts("hello");
        other.await();
        std::puts("done");
    });
}

// Prints:
//   hello
//   world
//   done
