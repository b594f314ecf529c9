// iostreams on fibers, or not: what comes in by standard input goes out by standard output, line by
// line, while somebody counts to ten and then makes a file.
//
//   streams COUNTED [big]    COUNTED: the file; big: a megabyte besides, in one piece

#include <brio/brio.hpp>

#include <chrono>
#include <fstream>
#include <iostream>
#include <string>

int main(int count, char** arguments) {
    brio::run([&] {
        auto counting = brio::create_task([&] {
            for (int turns = 0; turns < 10; ++turns) brio::sleep(std::chrono::milliseconds(1));
            std::ofstream{arguments[1]};
        });
        for (std::string line; std::getline(std::cin, line);) std::cout << line << std::endl;
        if (count > 2) std::cout << std::string(1 << 20, 'x') << std::endl;
        std::cerr << (counting.done() ? "counted" : "stood still") << std::endl;
        counting.cancel();
    });
}
