// iostreams on fibers, or not: what comes in by standard input goes out by standard output, line by
// line, while somebody counts.
//
//   streams [big]    big: a megabyte besides, in one piece

#include <brio/brio.hpp>

#include <chrono>
#include <iostream>
#include <string>

int main(int count, char**) {
    brio::run([&] {
        int turns = 0;
        auto counting = brio::create_task([&] {
            for (;; ++turns) brio::sleep(std::chrono::milliseconds(1));
        });
        for (std::string line; std::getline(std::cin, line);) std::cout << line << std::endl;
        if (count > 1) std::cout << std::string(1 << 20, 'x') << std::endl;
        std::cerr << (turns > 10 ? "counted" : "stood still") << std::endl;
        counting.cancel();
    });
}
